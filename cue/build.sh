#!/usr/bin/env bash
# CUE as a WebAssembly program: ./build.sh OUTPUT. The same bytes at each build, wherever it is built. Needs no network
# once the modules of go.sum are in Go's module cache (`go mod download`).
set -euo pipefail
output="$(realpath --canonicalize-missing "${1:?usage: ./build.sh OUTPUT}")"
cd "$(dirname "${BASH_SOURCE[0]}")"
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 GOFLAGS=-mod=readonly \
  go build -trimpath -buildvcs=false -ldflags="-s -w -buildid=" -o "$output" .
