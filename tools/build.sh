# The parts of dist/rtt, in order, into dist/parts. Sourced by ./x and compile.sh. A part whose inputs have not changed
# since it was made is not made again.

PARTS="$ROOT/dist/parts"
GNU=x86_64-unknown-linux-gnu
MUSL=x86_64-unknown-linux-musl

# SHA-256 over names and contents of all files below the given paths, build folders left out.
inputs_hash() {
  (
    cd "$ROOT" && find "$@" \( -name target -o -path wasm/generated -o -name node_modules \) -prune -o -type f -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
  )
}

# One build at a time in this folder: others wait. locked FUNCTION
locked() {
  mkdir -p "$ROOT/dist"
  exec 8>"$ROOT/dist/lock"
  flock --nonblock 8 || { say "waiting for another build in this folder" && flock 8; }
  "$@" 8>&-
  exec 8>&-
}

# part NAME FUNCTION OUTPUT[,OUTPUT...] INPUT...: runs FUNCTION unless all outputs are there, made from these inputs.
part() {
  local name="$1" make="$2" outputs="${3//,/ }" stamp="$ROOT/dist/stamps/$1" hash output started=$SECONDS fresh=yes
  shift 3
  hash="$(inputs_hash "$@" tools/build.sh tools/rustc.sh tools/toolchain.lock)"
  [[ -f "$stamp" && "$(<"$stamp")" == "$hash" ]] || fresh=no
  for output in $outputs; do [[ -f "$ROOT/$output" ]] || fresh=no; done
  [[ $fresh == yes ]] && return
  say "building $name"
  rm -f "$stamp"
  # shellcheck disable=SC2086 # a list of paths, none with a space
  "$make"
  for output in $outputs; do
    [[ -f "$ROOT/$output" ]] || die "cannot build $name because $output was not made" "read the messages above"
  done
  mkdir -p "${stamp%/*}"
  printf '%s' "$hash" >"$stamp"
  say "built $name in $((SECONDS - started)) s"
}

# Release artefacts must not tell where they were built: rustc.sh maps this tree and the crates to fixed names.
cargo_release() { # cargo_release FOLDER TARGET ARGUMENT...
  local folder="$1" target="$2" made="$ROOT/$1/target/release-build"
  shift 2
  # Cargo does not know what is in the wrapper: with another one, nothing that was compiled before counts.
  if ! cmp --silent "$ROOT/tools/rustc.sh" "$made/rustc.sh"; then
    rm -rf "$made"
    mkdir -p "$made"
    cp "$ROOT/tools/rustc.sh" "$made/rustc.sh"
  fi
  (
    cd "$ROOT/$folder"
    RUSTC_WRAPPER="$ROOT/tools/rustc.sh" RTT_BUILD_ROOT="$ROOT" CARGO_INCREMENTAL=0 \
      cargo build --locked --release --target "$target" --target-dir "$made" "$@"
  )
}

# install_part FILE NAME: the file appears whole or not at all.
install_part() {
  mkdir -p "$PARTS"
  cp "$1" "$PARTS/$2.part"
  mv "$PARTS/$2.part" "$PARTS/$2"
}

make_panel() {
  cargo_release ffi "$GNU" -p rtt-panel
  local made="$ROOT/ffi/target/release-build/$GNU/release/librtt_panel.so"
  # Deno unloads a library at exit, under the feet of its threads, unless it is marked so.
  readelf --dynamic "$made" | grep -q NODELETE ||
    die "cannot use librtt_panel.so because it is not linked with -z nodelete" "see ffi/panel/build.rs"
  install_part "$made" librtt_panel.so
}

# In one go: what both are made of is compiled once.
make_programs() {
  local name made="$ROOT/ffi/target/release-build/$MUSL/release"
  cargo_release ffi "$MUSL" -p rtt-keeper -p rtt-drivers --bins
  for name in rtt-keeper rtt-drivers; do
    ! readelf --program-headers "$made/$name" | grep -q INTERP ||
      die "cannot use $name because it is not a static program" "build it for $MUSL without a dynamic C library"
    install_part "$made/$name" "$name"
  done
}

make_wasm() {
  local target=wasm32-unknown-unknown out="$ROOT/wasm/generated"
  cargo_release wasm "$target" --lib
  rm -rf "$out"
  wasm-bindgen --target web --out-dir "$out" --out-name rtt_wasm \
    "$ROOT/wasm/target/release-build/$target/release/rtt_wasm.wasm"
  install_part "$out/rtt_wasm_bg.wasm" rtt_wasm.wasm
  rm "$out/rtt_wasm_bg.wasm"
}

make_cue() {
  mkdir -p "$PARTS"
  (cd "$ROOT/cue" && ./build.sh "$PARTS/cue.wasm")
}

build_wasm() { part wasm make_wasm dist/parts/rtt_wasm.wasm,wasm/generated/rtt_wasm.js wasm; }

# What the type check needs: the wasm core's bindings, and nothing else.
build_bindings() { locked build_wasm; }

build_parts() {
  need deno rust wasm-bindgen go
  mkdir -p "$PARTS"
  build_wasm
  part panel make_panel dist/parts/librtt_panel.so ffi
  part programs make_programs dist/parts/rtt-keeper,dist/parts/rtt-drivers ffi drivers
  part cue make_cue dist/parts/cue.wasm cue
}

# What the program may do: exactly this, asked for nowhere else.
PERMISSIONS=(--allow-read --allow-write --allow-env --allow-sys --allow-run --allow-ffi --allow-net)

# Packages of deno.lock that only tests use.
TEST_PACKAGES=(fast-check pure-rand)

# Parts of packages that nothing here imports: each file in the executable costs every start a little. A part that is
# needed and stands here is found at once by the tests on dist/rtt.
UNUSED=('hono/*/dist/cjs/*' 'hono/*/dist/jsx/*' 'hono/*/dist/adapter/*' 'hono/*/dist/helper/*' 'hono/*/dist/middleware/*'
  'deno-std/*/*/*')
USED=('hono/*/dist/helper/route/*' 'hono/*/dist/middleware/body-limit/*'
  'deno-std/*/cli/*' 'deno-std/*/crypto/*' 'deno-std/*/encoding/*' 'deno-std/*/fmt/*' 'deno-std/*/yaml/*')

# Every file that `deno compile` takes in leaves its time of change in the executable, and a file that it cannot parse
# leaves its path: so times are set to one value, and what is no code stays out.
EPOCH=2000-01-01T00:00:00Z

# A copy of what the executable is made of, and of nothing else.
stage_sources() { # stage_sources FOLDER
  rm -rf "$1"
  mkdir -p "$1/dist"
  (
    cd "$ROOT"
    find cli core cue examples ffi wasm tools/std \( -name target -o -name .rtt -o -name manifests -o -name plans -o -name '*_test.ts' -o -name '*.test.ts' \) -prune -o \
      -name '*.ts' -print -o -name '*.js' -print -o -name '*.json' -print -o -name '*.cue' -print -o -name '*.awk' -print |
      tar --create --files-from - deno.json deno.lock
  ) | tar --extract --directory "$1"
  find "$1" -exec touch --no-dereference --date "$EPOCH" {} +
}

# `deno compile` takes in every package of the lock file; --exclude works by file.
npm_exclusions() {
  local npm="$DENO_DIR/npm" unused=(-false) used=(-false) pattern
  for pattern in "${TEST_PACKAGES[@]/%//*}" "${UNUSED[@]}"; do unused+=(-o -path "$npm/*/$pattern"); done
  for pattern in "${USED[@]}"; do used+=(-o -path "$npm/*/$pattern"); done
  find "$npm" -type f -exec touch --date "$EPOCH" {} +
  mapfile -t -d '' EXCLUSIONS < <(
    find "$npm" -name typescript -prune -o -type f \( -iname 'LICENSE*' -o -name '*.md' -o -name '*.map' -o -name '*.d.ts' \
      -o -name '*.d.mts' -o -name '*.d.cts' -o \( \( "${unused[@]}" \) ! \( "${used[@]}" \) \) \) -printf '--exclude\0%p\0'
  )
}

# Every byte that `deno compile` adds is read at every start, and it adds behind the run-time's last byte. So the parts go
# between the two: a run-time with the parts behind it, each at the start of a page, and where they are in INDEX.
carry_parts() { # carry_parts RUNTIME INDEX PART...
  local runtime="$1" index="$2" part at page=4096 entries=()
  shift 2
  cp "$DENORT_BIN" "$runtime"
  for part in "$@"; do
    at=$((($(stat --format %s "$runtime") + page - 1) / page * page))
    truncate --size "$at" "$runtime"
    cat "$part" >>"$runtime"
    entries+=("\"${part##*/}\":{\"at\":$at,\"bytes\":$(stat --format %s "$part")}")
  done
  (IFS=, && printf '{%s}\n' "${entries[*]}") >"$index"
}

# The code cache is off: it would be read from a path in /tmp that anybody can write to.
make_rtt() {
  need deno denort
  local stage="$ROOT/dist/stage" runtime="$ROOT/dist/runtime" cached=(${X_OFFLINE:+--cached-only}) highs
  stage_sources "$stage"
  (
    cd "$stage"
    deno install --quiet --frozen "${cached[@]}"
    npm_exclusions
    highs="$(find "$DENO_DIR/npm" -path '*/highs/*/build/highs.wasm')"
    EXCLUSIONS+=(--exclude "$highs")
    carry_parts "$runtime" dist/parts.json "$PARTS"/* "$highs"
    touch --date "$EPOCH" dist/parts.json
    # Always from the cache: without it the program would be allowed to import code from a list of hosts.
    DENORT_BIN="$runtime" deno compile --quiet --frozen --cached-only --no-check --no-code-cache --no-prompt \
      "${PERMISSIONS[@]}" --include dist/parts.json --include examples "${EXCLUSIONS[@]}" --output "$ROOT/dist/rtt.part" cli/main.ts
  )
  rm -rf "$stage" "$runtime"
  mv "$ROOT/dist/rtt.part" "$ROOT/dist/rtt"
}

build_dist() { locked make_dist; }

make_dist() {
  build_parts
  part rtt make_rtt dist/rtt dist/parts core cli ffi wasm cue drivers examples deno.json deno.lock tools/std
}
