# shellcheck shell=bash
# Runs named stages one after another and prints what became of them. Sourced by tests/run and .ci/run, which set root,
# all (the stages' names) and maybe long (those that only --long adds), and call, in this order: read_arguments "$@",
# stages_begin, stage …, stages_end.
#
# A stage's output goes to .tools/logs/NAME.log, and to the terminal if the stage fails or with --verbose. A stage that
# cannot run returns 77: after `lacks TOOL` if that is for want of a tool, which fails the run. `skip TEST` names a test
# that was left out, which fails the run only with CI=true. `notice TEXT` repeats something at the end without failing
# anything.

: "${root:?}"
long=()

# Sets wanted, the stages to run, named, those of them that the caller named, and verbose. --help prints the script's
# first comment.
read_arguments() {
  : "${all:?}"
  local word names=("${all[@]}" "${long[@]}")
  named=() verbose=
  for word; do
    case $word in
      -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
        exit
        ;;
      -v | --verbose) verbose=--verbose ;;
      --long) all=("${names[@]}") ;;
      *)
        if [[ " ${names[*]} " != *" $word "* ]]; then
          printf '%s: no stage named %s; see --help\n' "$0" "$word" >&2
          exit 2
        fi
        named+=("$word")
        ;;
    esac
  done
  wanted=("${named[@]}")
  if ((${#named[@]} == 0)); then wanted=("${all[@]}"); fi
}

# wants NAME…: is one of them to be run?
wants() {
  local name
  for name; do
    if [[ " ${wanted[*]} " == *" $name "* ]]; then return; fi
  done
  return 1
}

is_named() { [[ " ${named[*]} " == *" $1 "* ]]; }

stages_begin() {
  state=$(mktemp -d)
  progress=
  stage_result=
  # A stage that ends at once kills the progress before that has reset this trap: only the run itself cleans up.
  trap 'if [[ $BASHPID == "$$" ]]; then stop_progress; rm -rf "$state"; fi' EXIT
  mkdir -p "$root/.tools/logs"
  touch "$state"/{rows,missing,skips,notices,counts}
}

lacks() { printf '%s: %s\n' "$stage_name" "$1" >>"$state/missing"; }
skip() { printf '%s: %s\n' "$stage_name" "$1" >>"$state/skips"; }
notice() { printf '%s: %s\n' "$stage_name" "$1" >>"$state/notices"; }

# stage NAME COMMAND…: runs COMMAND with -e in a subshell and sets stage_result to passed, failed or skipped. Call it as
# a plain command: in a condition, bash would ignore -e inside COMMAND.
stage() {
  stage_name=$1
  shift
  local log=.tools/logs/$stage_name.log start=$SECONDS code
  printf '==> %s\n' "$stage_name"
  : >"$state/counts"

  set +e
  if [[ $verbose ]]; then
    (set -e && "$@") </dev/null 2>&1 | tee "$root/$log"
    code=${PIPESTATUS[0]}
  else
    show_progress "$root/$log" &
    progress=$!
    (set -e && "$@") </dev/null >"$root/$log" 2>&1
    code=$?
    stop_progress
  fi
  set -e

  case $code in
    0) stage_result=passed ;;
    77) stage_result=skipped ;;
    *) stage_result=failed ;;
  esac
  if [[ $stage_result == failed && ! $verbose ]]; then
    tail -n 200 "$root/$log"
    printf '    (from %s)\n' "$log"
  fi
  add_row "$((SECONDS - start))"
}

# stage_not_run NAME REASON: a stage that is not even tried, for want of something.
stage_not_run() {
  stage_name=$1
  stage_result=skipped
  printf '==> %s\n' "$stage_name"
  lacks "$2"
  : >"$state/counts"
  add_row 0
}

add_row() {
  local counts
  counts=$(cat "$state/counts")
  printf '%s %s %s %s\n' "$stage_name" "$stage_result" "$1" "${counts:-- - -}" >>"$state/rows"
  printf '    %s, %s s\n' "$stage_result" "$1"
}

# Every half minute, one line that shows the stage is alive.
show_progress() {
  local start=$SECONDS
  while sleep 30 >/dev/null 2>&1; do
    printf '    %4d s  %s\n' "$((SECONDS - start))" "$(tail -n 1 "$1" | tr -d '\r' | cut -c 1-90)"
  done
}

stop_progress() {
  [[ $progress ]] || return 0
  kill "$progress" 2>/dev/null || true
  wait "$progress" 2>/dev/null || true
  progress=
}

# count_tests FILE: notes how many tests passed, failed and were skipped in an output of `cargo test`, pytest,
# `go test -v`, `node --test` (spec) and Maven's Surefire, and names the skipped ones.
count_tests() {
  awk '
    /^test result:/ { passed += $4; failed += $6; skipped += $8 }
    /^(=+ )?[0-9]+ [a-z]+.* in [0-9.]+s/ {
      for (i = 1; i < NF; i++) {
        if ($(i + 1) ~ /^passed/) passed += $i
        if ($(i + 1) ~ /^(failed|error)/) failed += $i
        if ($(i + 1) ~ /^skipped/) skipped += $i
      }
    }
    /^--- PASS:/ { passed++ }
    /^--- FAIL:/ { failed++ }
    /^--- SKIP:/ { skipped++ }
    /^ℹ pass [0-9]+$/ { passed += $3 }
    /^ℹ (fail|cancelled) [0-9]+$/ { failed += $3 }
    /^ℹ (skipped|todo) [0-9]+$/ { skipped += $3 }
    /Tests run: [0-9]+, Failures: [0-9]+, Errors: [0-9]+, Skipped: [0-9]+$/ { # of all classes: of one, the time follows
      gsub(/[^0-9 ]/, "")
      passed += $1 - $2 - $3 - $4
      failed += $2 + $3
      skipped += $4
    }
    END { print passed + 0, failed + 0, skipped + 0 }
  ' "$1" >"$state/counts"
  local test
  sed -n -e 's/^test \(.* \.\.\. ignored.*\)/\1/p' -e 's/^SKIPPED \[[0-9]*\] //p' -e 's/^--- SKIP: //p' \
    -e 's/^﹣ //p' -e 's/^\[WARNING\] Tests run: .*, Skipped: [1-9].* -- in //p' "$1" |
    while read -r test; do skip "$test"; done
}

# Prints the table, what was missing or skipped and what else is to be known, and last how many stages passed, failed
# and were skipped. Fails if a stage did, if something was missing, if a stage that the caller named did not run, or if
# a test was skipped where CI=true.
stages_end() {
  if [[ ${STAGES_INTO:-} ]]; then # this is a part of another run, which prints and judges
    local part
    for part in rows missing skips notices; do cat "$state/$part" >>"$STAGES_INTO/$part"; done
    return
  fi
  print_table
  if [[ -s $state/notices ]]; then
    printf '\nNOTICE\n'
    sed 's/^/  /' "$state/notices"
  fi
  if [[ -s $state/missing ]]; then
    printf '\nmissing (each fails the run)\n'
    sed 's/^/  /' "$state/missing"
  fi
  if [[ -s $state/skips ]]; then
    printf '\nskips%s\n' "$(if in_ci; then printf ' (with CI=true, each fails the run)'; fi)"
    sed 's/^/  /' "$state/skips"
  fi
  awk '
    { stages[$2]++ }
    END { printf "\n%d passed, %d failed, %d skipped\n", stages["passed"], stages["failed"], stages["skipped"] }
  ' "$state/rows"

  if grep -q '^[^ ]* failed ' "$state/rows" || [[ -s $state/missing ]]; then return 1; fi
  if in_ci && [[ -s $state/skips ]]; then return 1; fi
  local name result
  while read -r name result _; do
    if [[ $result == skipped ]] && is_named "$name"; then return 1; fi
  done <"$state/rows"
}

print_table() {
  printf '\n%-12s %-8s %8s %8s %8s %8s\n' stage result seconds passed failed skipped
  awk '
    { printf "%-12s %-8s %8d %8s %8s %8s\n", $1, $2, $3, $4, $5, $6 }
    { seconds += $3; passed += $4; failed += $5; skipped += $6 }
    END { printf "%-12s %-8s %8d %8d %8d %8d\n", "all", "", seconds, passed, failed, skipped }
  ' "$state/rows"
}

in_ci() { [[ ${CI:-} == true || ${CI:-} == 1 ]]; }
