#!/usr/bin/env bash
# Makes dist/rtt, the one executable: cargo, wasm, CUE, then `deno compile`.
#   --check     builds twice from scratch in two folders with different paths and compares: prints one SHA-256
#   --again     builds once from scratch in another folder and compares with dist/rtt, which is built first: the same
#   --offline   no package client touches the network; the toolchain and the packages must be there already
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
check='' again=''
for argument in "$@"; do
  case "$argument" in
    --check) check=yes ;;
    --again) again=yes ;;
    --offline) export X_OFFLINE=yes ;;
    *)
      printf 'compile.sh: cannot read %s because it is unknown\n   remedy: use --check, --again, --offline or nothing\n' "$argument" >&2
      exit 2
      ;;
  esac
done
source "$ROOT/tools/toolchain.sh"
source "$ROOT/tools/build.sh"
toolchain_env

# The files that make the program, without anything built before.
copy_tree() {
  mkdir -p "$1"
  (cd "$ROOT" && tar --create --exclude-vcs --exclude=./dist --exclude=target --exclude=.rtt --exclude=node_modules .) |
    tar --extract --directory "$1"
  rm -rf "$1/wasm/generated"
}

if [[ -z "$check" ]]; then
  build_dist
  say "dist/rtt is there: $(stat --format %s "$ROOT/dist/rtt") bytes"
  [[ -n "$again" ]] || exit 0
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
first="$ROOT" second="$work/two/a-longer-path"
[[ -z "$check" ]] || first="$work/one"
# All copies before the first build: a file that is edited meanwhile makes no difference.
for place in "$first" "$second"; do [[ "$place" == "$ROOT" ]] || copy_tree "$place"; done
hashes=()
for place in "$first" "$second"; do
  if [[ "$place" != "$ROOT" ]]; then
    say "building from scratch in $place"
    (
      ROOT="$place"
      source "$ROOT/tools/build.sh"
      build_dist
    )
  fi
  read -r hash _ < <(sha256sum "$place/dist/rtt")
  hashes+=("$hash")
done
if [[ "${hashes[0]}" != "${hashes[1]}" ]]; then
  for file in "$first"/dist/parts/*; do
    cmp --silent "$file" "$second/dist/parts/${file##*/}" || say "differs: ${file##*/}"
  done
  die "cannot call the build reproducible because ${hashes[0]} is not ${hashes[1]}" "see which part differs, above"
fi
echo "${hashes[0]}"
