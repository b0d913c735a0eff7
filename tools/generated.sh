#!/usr/bin/env bash
# Writes anew what is generated from control.capnp and committed. With --check nothing changes: it compares, prints
# `cases: N`, and fails where a committed file is not what the generator makes. Run it as ./x run tools/generated.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

SCHEMA=ffi/control/control.capnp
RUST=ffi/control/src/control_capnp.rs
TYPESCRIPT=ffi/control/generated/control.ts

made="$(mktemp -d)"
kept="$(mktemp -d)"
trap 'rm -rf "$made" "$kept"' EXIT

# The generator of Rust writes beside its crate: what was there is put back.
make_rust() {
  cp -p "$RUST" "$kept/rust"
  cargo run --quiet --locked --manifest-path ffi/Cargo.toml -p rtt-control-generate
  cp "$RUST" "$made/rust"
  cp -p "$kept/rust" "$RUST"
}

# The generator leaves out a modifier that this project's compiler options demand.
make_typescript() {
  cp "$SCHEMA" "$made/control.capnp"
  (cd "$made" && capnp compile "-o$OLDPWD/tools/capnp/capnpc-ts:." control.capnp >/dev/null)
  sed -E 's/^  static readonly _capnp/  static override readonly _capnp/; s/^  toString\(\)/  override toString()/' \
    "$made/control.ts" >"$made/typescript"
}

make_rust
make_typescript
cases=0
for pair in "$RUST rust" "$TYPESCRIPT typescript"; do
  read -r file name <<<"$pair"
  if [[ "${1:-}" != --check ]]; then
    mkdir -p "$(dirname "$file")"
    cp "$made/$name" "$file"
  elif ! cmp --silent "$file" "$made/$name"; then
    echo "cannot accept $file because it is not what $SCHEMA gives; remedy: ./x run tools/generated.sh, then commit" >&2
    exit 1
  fi
  cases=$((cases + 1))
done
echo "cases: $cases"
