#!/bin/sh
# Cargo's RUSTC_WRAPPER for release builds: maps the paths of this machine to fixed names. It is a wrapper and not
# RUSTFLAGS because cargo mixes RUSTFLAGS into the symbol hashes, and two build folders would give two binaries.
rustc="$1"
shift
exec "$rustc" "$@" \
  --remap-path-prefix "$RTT_BUILD_ROOT=/rtt" \
  --remap-path-prefix "$CARGO_HOME/registry/src=/crates"
