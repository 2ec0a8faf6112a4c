#!/usr/bin/env bash
# Everything this repository needs, from a machine with the .NET 10 SDK on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# A shared compiler keeps an old generator loaded.
export UseSharedCompilation=false

usage() {
  cat <<'EOF'
usage: ./build.sh VERB [arguments]

  build    build the whole solution
  test     run the default tests; ends with "N passed, N failed". --long: those that do not fit into twelve minutes, instead
  demo     run examples/IndirectObject (further arguments go to it)
  bench    run the benchmarks (further arguments go to them)
  format   format the code (with --check: only report)

  An NVIDIA GPU on Linux: export Torch=cuda-linux
EOF
}

say() { printf '%s\n' "$*" >&2; }
die() { say "build.sh: $*"; exit 1; }

# Runs a command and shows what it printed only if it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" > "$log" 2>&1 || { status=$?; cat "$log" >&2; }
  rm -f "$log"
  return $status
}

# Warnings are errors, so what a build prints matters only when it fails.
build() { say "Building ${1} ..." && quietly dotnet build "$1" --configuration Release --verbosity quiet -nologo; }

run_tests() {
  local results failed=0 filter='Duration!=long'
  if [ "${1:-}" = --long ]; then
    filter='Duration=long'
    shift
  fi
  results=$(mktemp -d)
  # Two projects at a time: each has one thread (tests/tests.runsettings), since libtorch's threads spin when the cores are busy.
  dotnet test Interventions.sln --no-build --configuration Release --verbosity quiet -nologo -m:2 -p:CountTests=true \
    --filter "$filter" --results-directory "$results" "$@" || failed=1
  local counters passed wrong skipped
  counters=$(cat "$results"/*.trx 2> /dev/null | grep -o '<Counters [^>]*' || true)
  sum() { printf '%s\n' "$counters" | grep -o " $1=\"[0-9]*\"" | grep -o '[0-9]*' | awk '{ n += $1 } END { print n + 0 }'; }
  passed=$(sum passed) wrong=$(sum failed)
  skipped=$(($(sum total) - $(sum executed)))
  rm -rf "$results"
  [ "$failed" -eq 0 ] || [ "$wrong" -gt 0 ] || wrong=1
  echo "$passed passed, $wrong failed, $skipped skipped"
  [ "$wrong" -eq 0 ] && [ "$passed" -gt 0 ]
}

command -v dotnet > /dev/null || die "the .NET 10 SDK is not on PATH. Install it, then run ./build.sh again."
verb=${1:-}
[ $# -gt 0 ] && shift

case "$verb" in
  build) build Interventions.sln ;;
  test) build Interventions.sln && run_tests "$@" ;;
  demo)
    build examples/IndirectObject
    dotnet run --project examples/IndirectObject --no-build --configuration Release -- "$@"
    ;;
  bench)
    build tests/Interventions.Benchmarks
    dotnet run --project tests/Interventions.Benchmarks --no-build --configuration Release -- "$@"
    ;;
  format)
    # Style rules are part of the build; what is left is white space.
    if [ "${1:-}" = --check ]; then check=(--verify-no-changes); else check=(); fi
    dotnet format whitespace Interventions.sln "${check[@]}"
    ;;
  "" | -h | --help | help) usage ;;
  *) usage >&2; die "there is no verb '$verb'" ;;
esac
