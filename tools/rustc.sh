#!/bin/sh
# Cargo's RUSTC_WRAPPER for release builds: the same bytes whatever folder this is built in.
#   - Paths of this machine are mapped to fixed names. Not by RUSTFLAGS: cargo mixes those into the symbol hashes.
#   - Cargo derives the symbol hashes of a crate outside the workspace's folder from its absolute path: crates of this
#     project get a hash from their names instead.
rustc="$1"
shift
case "${CARGO_MANIFEST_DIR:-}" in
  "$RTT_BUILD_ROOT"/*)
    count=$#
    while [ "$count" -gt 0 ]; do
      argument="$1"
      shift
      case "$argument" in
        metadata=*) argument="metadata=rtt-$CARGO_PKG_NAME-$CARGO_PKG_VERSION-$CARGO_CRATE_NAME" ;;
      esac
      set -- "$@" "$argument"
      count=$((count - 1))
    done
    ;;
esac
exec "$rustc" "$@" \
  --remap-path-prefix "$RTT_BUILD_ROOT=/rtt" \
  --remap-path-prefix "$CARGO_HOME/registry/src=/crates"
