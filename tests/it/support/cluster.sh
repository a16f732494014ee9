# Runs one throw-away PostgreSQL cluster for the process at the other end of standard input. Obeys the lines `start` and
# `stop`, answering `done` or `failed`; when the input ends, for whatever reason, stops the server and erases everything.
# $1: the directory of the server's programs. $2: the port to listen on. $3: further settings.
set -eu
bin=$1 port=$2 settings=${3:-}
umask 077
# Directly in /tmp, as the path of a socket must be short.
dir=$(mktemp -d /tmp/ipse-postgres.XXXXXX)

server() {
    "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w "$@" >"$dir/control" 2>&1 </dev/null
}
trap 'server stop -m immediate || true; rm -rf "$dir"' EXIT
# PIPE: nobody is left to read an answer.
trap 'exit 1' HUP INT TERM PIPE

od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/password"
# The server speaks German, of which every version has the words, and sorts and writes capitals in Turkish: nothing may
# depend on the words of its errors, or on the order and case of letters that a database has by default.
unset LANGUAGE LC_ALL
export LOCPATH="$dir"
for locale in de_DE tr_TR; do
    localedef -i "$locale" -f UTF-8 "$dir/$locale.UTF-8" >&2 || { echo 'no locales: apt-get install locales' >&2; exit 1; }
done
"$bin/initdb" -D "$dir/data" -U ipse --pwfile="$dir/password" --auth-local=trust --auth-host=password \
    --encoding=UTF8 --locale=tr_TR.UTF-8 --lc-messages=de_DE.UTF-8 --no-sync >"$dir/control" 2>&1 || { cat "$dir/control" >&2; exit 1; }
cat >>"$dir/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
max_connections = 200
shared_buffers = 32MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 128MB
$settings
END
cat "$dir/password"
echo

while read -r command; do
    case $command in
    start) set -- start ;;
    *) set -- stop -m fast ;;
    esac
    if server "$@"; then
        echo "done"
    else
        cat "$dir/control" "$dir/log" >&2
        echo failed
    fi
done
