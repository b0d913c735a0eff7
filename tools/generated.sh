#!/usr/bin/env bash
# Writes anew what is generated from control.capnp and committed. With --check nothing changes: it compares, prints
# `cases: N`, and fails where a committed file is not what the generator makes. Run it as ./x run tools/generated.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

RUST=ffi/control/src/control_capnp.rs

check=''
[[ "${1:-}" == --check ]] && check=yes
kept="$(mktemp -d)"
trap 'rm -rf "$kept"' EXIT

generate_rust() { cargo run --quiet --locked --manifest-path ffi/Cargo.toml -p rtt-control --example generate; }

cases=0
for file in "$RUST"; do
  cp -p "$file" "$kept/committed"
  generate_rust
  if [[ -n "$check" ]] && ! cmp --silent "$file" "$kept/committed"; then
    cp -p "$kept/committed" "$file"
    echo "cannot accept $file because it is not what its schema gives; remedy: ./x run tools/generated.sh, then commit" >&2
    exit 1
  fi
  [[ -n "$check" ]] && cp -p "$kept/committed" "$file"
  cases=$((cases + 1))
done
echo "cases: $cases"
