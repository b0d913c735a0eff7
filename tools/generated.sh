#!/usr/bin/env bash
# Writes anew what is generated from control.capnp and committed. With --check nothing changes: it compares, prints
# `cases: N`, and fails where the committed file is not what the generator makes. Run it as ./x run tools/generated.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

SCHEMA=ffi/control/control.capnp
RUST=ffi/control/src/control_capnp.rs

command -v capnp >/dev/null || {
  echo "cannot generate $RUST because capnp is not on PATH; remedy: ./x toolchain capnp, then ./x run tools/generated.sh" >&2
  exit 1
}

kept="$(mktemp)"
trap 'rm -f "$kept"' EXIT

# The generator writes beside its crate.
cp -p "$RUST" "$kept"
cargo run --quiet --locked --manifest-path ffi/Cargo.toml -p rtt-control-generate
if [[ "${1:-}" == --check ]] && ! cmp --silent "$RUST" "$kept"; then
  cp -p "$kept" "$RUST"
  echo "cannot accept $RUST because it is not what $SCHEMA gives; remedy: ./x run tools/generated.sh, then commit" >&2
  exit 1
fi
# The same bytes with the old time: nothing is compiled again for them.
if cmp --silent "$RUST" "$kept"; then cp -p "$kept" "$RUST"; fi
echo "cases: 1"
