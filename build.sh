#!/usr/bin/env bash
# Everything this repository needs, from a bare Debian machine with the .NET 10 SDK on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
# A shared compiler keeps an old generator loaded.
export UseSharedCompilation=false

usage() {
  cat <<'EOF'
usage: ./build.sh VERB [--torch NAME] [arguments]

  setup    decide which TorchSharp this machine uses, install what is missing, build the native bridge
  build    setup, then build the whole solution
  test     setup, then run the default tests; ends with "N passed, N failed"
  demo     setup, then run examples/IndirectObject (further arguments go to it)
  bench    setup, then run the benchmarks (further arguments go to them)
  format   format the code (with --check: only report)

  --torch NAME   TorchSharp-cpu, TorchSharp-cuda-linux or compat (default: decided once, kept in Torch.local.props)
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

native_dir=src/TorchSharp.Compat/native
bridge=src/TorchSharp.Compat/obj/native/libtorchsharp_compat.so

# ---- setup ---------------------------------------------------------------------------------------------------------

torch_in_use() { sed -n 's:.*<TorchPackage>\(.*\)</TorchPackage>.*:\1:p' Torch.local.props 2>/dev/null || true; }

write_torch() {
  cat > Torch.local.props.tmp <<EOF
<Project>
  <PropertyGroup>
    <TorchPackage>$1</TorchPackage>
  </PropertyGroup>
</Project>
EOF
  mv Torch.local.props.tmp Torch.local.props
}

# A feed that refuses means compat; one that does not answer is an error, never a silent downgrade.
decide_torch() {
  local scratch log
  scratch=$(mktemp -d)
  log=$scratch/restore.log
  cat > "$scratch/scratch.csproj" <<'EOF'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageReference Include="TorchSharp-cpu" Version="0.105.0" ExcludeAssets="all" /></ItemGroup>
</Project>
EOF
  say "Asking the package feed for TorchSharp ..."
  if timeout 900 dotnet restore "$scratch/scratch.csproj" > "$log" 2>&1; then
    echo TorchSharp-cpu
  elif grep -qE 'NU110[123]' "$log"; then
    echo compat
  else
    cat "$log" >&2
    rm -rf "$scratch"
    die "the package feed neither served nor refused TorchSharp (see above). Try again, or choose with --torch NAME."
  fi
  rm -rf "$scratch"
}

install_native_tools() {
  local missing=()
  command -v cmake > /dev/null || missing+=(cmake)
  command -v g++ > /dev/null || missing+=(g++)
  command -v make > /dev/null || missing+=(make)
  for package in libtorch-dev libopenblas0-openmp; do
    dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get > /dev/null || die "compat needs ${missing[*]}; this machine has no apt-get. Install them, then run ./build.sh setup again."
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || die "compat needs ${missing[*]}. Run as root: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "Installing ${missing[*]} ..."
  quietly "${sudo[@]}" apt-get update -q &&
    quietly "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
    die "could not install ${missing[*]} (see above). Install them by hand, then run ./build.sh setup again."
}

build_bridge() {
  if [ -f "$bridge" ] && [ -z "$(find "$native_dir" -newer "$bridge" -type f -print -quit)" ]; then return; fi
  say "Building the native bridge ..."
  local build
  build=$(dirname "$bridge")/cmake
  quietly cmake -S "$native_dir" -B "$build" -DCMAKE_BUILD_TYPE=Release || die "the native bridge cannot be configured (see above)."
  quietly cmake --build "$build" --parallel "$(nproc)" || die "the native bridge does not build (see above)."
  cp "$build/$(basename "$bridge")" "$bridge.tmp" && mv "$bridge.tmp" "$bridge"
}

setup() {
  command -v dotnet > /dev/null || die "the .NET 10 SDK is not on PATH. Install it, then run ./build.sh again."
  local chosen=${torch:-$(torch_in_use)}
  [ -n "$chosen" ] || chosen=$(decide_torch)
  case "$chosen" in
    TorchSharp-cpu | TorchSharp-cuda-linux | compat) ;;
    *) die "--torch is TorchSharp-cpu, TorchSharp-cuda-linux or compat, not '$chosen'" ;;
  esac
  [ "$(torch_in_use)" = "$chosen" ] || write_torch "$chosen"
  if [ "$chosen" = compat ]; then
    install_native_tools
    build_bridge
  fi
}

# ---- verbs ---------------------------------------------------------------------------------------------------------

# Warnings are errors, so what a build prints matters only when it fails.
build() { say "Building ${1} ..." && quietly dotnet build "$1" --configuration Release --verbosity quiet -nologo; }

run_tests() {
  local results failed=0
  results=$(mktemp -d)
  dotnet test Interventions.sln --no-build --configuration Release --verbosity quiet -nologo \
    --logger "trx" --logger "console;verbosity=minimal" --results-directory "$results" "$@" || failed=1
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

verb=${1:-}
[ $# -gt 0 ] && shift
torch=
if [ "${1:-}" = --torch ]; then
  [ $# -ge 2 ] || die "--torch wants a name"
  torch=$2
  shift 2
fi

case "$verb" in
  setup) setup ;;
  build) setup && build Interventions.sln ;;
  test) setup && build Interventions.sln && run_tests "$@" ;;
  demo)
    setup
    build examples/IndirectObject
    dotnet run --project examples/IndirectObject --no-build --configuration Release -- "$@"
    ;;
  bench)
    setup
    build tests/Interventions.Benchmarks
    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE dotnet run --project tests/Interventions.Benchmarks --no-build --configuration Release -- "$@"
    ;;
  format)
    # Style rules are part of the build; what is left is white space.
    setup
    if [ "${1:-}" = --check ]; then check=(--verify-no-changes); else check=(); fi
    dotnet format whitespace Interventions.sln "${check[@]}"
    ;;
  "" | -h | --help | help) usage ;;
  *) usage >&2; die "there is no verb '$verb'" ;;
esac
