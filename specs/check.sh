#!/usr/bin/env bash
# Runs TLC on every spec here: the specs must hold, and the witnesses and the deliberate mistakes must be found.
#   specs/check.sh [--deep] [PATTERN]     --deep: larger constants, tens of minutes; PATTERN: only cases whose name has it
# The jar of TLC is $RTT_TLA_JAR (or $TLA2TOOLS, which ./x run sets). Ends with `cases: N` and `states: N`.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
jar=${RTT_TLA_JAR:-${TLA2TOOLS:-}}
deep=no
pattern=
for argument in "$@"; do
  case $argument in
    --deep) deep=yes ;;
    -*) echo "specs/check.sh: cannot run because option $argument is unknown; use [--deep] [PATTERN]" >&2; exit 2 ;;
    *) pattern=$argument ;;
  esac
done
if [[ -z $jar || ! -f $jar ]]; then
  echo "specs/check.sh: cannot run TLC because its jar '${jar:-}' is not there; run './x toolchain tlc'," \
    "then './x run specs/check.sh', or set RTT_TLA_JAR to a tla2tools.jar" >&2
  exit 1
fi
if ! command -v java >/dev/null; then
  echo "specs/check.sh: cannot run TLC because java is not on PATH; install a Java 17 run-time" >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cases=0
states=0
failed=0

# A counterexample is found within seconds: the second compiler isn't worth its start.
readonly SHORT=-XX:TieredStopAtLevel=1

# Exit codes of TLC 2.15.
readonly HOLDS=0 SAFETY=12 LIVENESS=13

# tlc SPEC CONFIG NAME [JVM OPTION...]: leaves the code in $code and what TLC printed in $out.
tlc() {
  local spec=$1 config=$2 name=$3
  shift 3
  out=$work/$name.out
  mkdir -p "$work/$name"
  cp "$here/$spec.tla" "$work/$name/"
  cp "$config" "$work/$name/run.cfg"
  code=0
  # -deadlock: a run that has used up its requests and faults ends, and is not stuck; that it came to rest is a property.
  (cd "$work/$name" && nice -n 10 java -Xmx3g -XX:+UseParallelGC -XX:ParallelGCThreads=2 -Djava.io.tmpdir="$work/$name" "$@" \
    -cp "$jar" tlc2.TLC -deadlock -workers 2 -metadir "$work/$name/states" -config run.cfg "$spec.tla") \
    >"$out" 2>&1 || code=$?
}

distinct() { sed -n 's/^[0-9,]* states generated, \([0-9,]*\) distinct states found.*/\1/p' "$out" | tail -1 | tr -d ,; }
depth() { sed -n 's/^The depth of the complete state graph search is \([0-9]*\)\./\1/p' "$out" | tail -1; }

# with CONFIG KEY=VALUE...: a copy of the config with other constants.
with() {
  local config=$work/with.cfg
  cp "$here/$1" "$config"
  shift
  for setting in "$@"; do
    grep -q "^  ${setting%%=*} = " "$config" || { echo "no constant ${setting%%=*}" >&2; exit 1; }
    sed -i "s/^  ${setting%%=*} = .*/  ${setting%%=*} = ${setting#*=}/" "$config"
  done
  echo "$config"
}

# wanted NAME: is this case asked for?
wanted() { [[ -z $pattern || $1 == *"$pattern"* ]]; }

report() {
  local name=$1 verdict=$2 text=$3
  cases=$((cases + 1))
  printf '%-34s %-6s %s\n' "$name" "$verdict" "$text"
  if [[ $verdict == FAILED ]]; then
    failed=$((failed + 1))
    grep -v '^Progress\|^Parsing\|^Semantic' "$out" | head -400 >&2
  fi
}

# holds SPEC CONFIG NAME [KEY=VALUE...]: nothing may be violated, and the whole state space is searched.
holds() {
  local spec=$1 base=$2 name=$3
  shift 3
  wanted "$name" || return 0
  local before=$SECONDS
  tlc "$spec" "$(with "$base" "$@")" "$name"
  local found
  found=$(distinct)
  if [[ $code == "$HOLDS" && -n $found && $found -gt 1000 ]] && grep -q '^Model checking completed. No error' "$out"; then
    states=$((states + found))
    report "$name" holds "$found distinct states, depth $(depth), $((SECONDS - before)) s"
  else
    report "$name" FAILED "TLC ended with $code"
  fi
}

# falls SPEC CONFIG NAME INVARIANT [KEY=VALUE...]: this invariant alone is checked, and must be violated.
falls() {
  local spec=$1 base=$2 name=$3 invariant=$4
  shift 4
  wanted "$name" || return 0
  local config
  config=$(with "$base" "$@")
  sed -i '/^INVARIANTS/,$d' "$config"
  echo "INVARIANT $invariant" >>"$config"
  tlc "$spec" "$config" "$name" "$SHORT"
  if [[ $code == "$SAFETY" ]] && grep -q "^Error: Invariant $invariant is violated" "$out"; then
    report "$name" found "$invariant is violated, as it must be"
  else
    report "$name" FAILED "$invariant should be violated; TLC ended with $code"
  fi
}

# never_ends SPEC CONFIG NAME [KEY=VALUE...]: the temporal properties must be violated.
never_ends() {
  local spec=$1 base=$2 name=$3
  shift 3
  wanted "$name" || return 0
  tlc "$spec" "$(with "$base" "$@")" "$name" "$SHORT"
  if [[ $code == "$LIVENESS" ]] && grep -q '^Error: Temporal properties were violated' "$out"; then
    report "$name" found "a temporal property is violated, as it must be"
  else
    report "$name" FAILED "a temporal property should be violated; TLC ended with $code"
  fi
}

mistake() { # SPEC CONFIG BUG INVARIANT [KEY=VALUE...]
  local spec=$1 base=$2 bug=$3 invariant=$4
  shift 4
  falls "$spec" "$base" "$spec-mistake-$bug" "$invariant" "Bug=\"$bug\"" "$@"
}

# ---- Apply
holds Apply Apply.cfg Apply-safety
holds Apply ApplyLive.cfg Apply-liveness
for witness in NeverCommitted NeverRolledBack NeverUndone NeverGap NeverInDoubt NeverMoved; do
  falls Apply Apply.cfg "Apply-witness-$witness" "$witness" MaxFaults=2
done
mistake Apply Apply.cfg keepOldLink OneActiveLink MaxFaults=1
mistake Apply Apply.cfg ignoreOpenD NoDanglingLink MaxFaults=1
mistake Apply Apply.cfg noFence NoOrphan MaxFaults=1
mistake Apply Apply.cfg restartUnpinned NoUnpinnedCritical MaxFaults=1
mistake Apply Apply.cfg flipBeforeD NoPartialCommit MaxFaults=1
mistake Apply Apply.cfg rBeforeUndo NoPartialCommit MaxFaults=2
mistake Apply Apply.cfg replyBeforeC YesIsDurable MaxFaults=1
mistake Apply Apply.cfg invertOnDoubt NoStaysNo MaxFaults=1
mistake Apply Apply.cfg wideGap SeqMonotonic MaxFaults=1
mistake Apply Apply.cfg lazyM LogReadable MaxFaults=1
mistake Apply Apply.cfg forgetsR Idempotent MaxFaults=1
mistake Apply Apply.cfg rollbackToBase RollbackBounded MaxFaults=1 MaxRequests=3
never_ends Apply ApplyLive.cfg Apply-mistake-blindToKeeper 'Bug="blindToKeeper"'

# ---- Flip
holds Flip Flip.cfg Flip-safety
holds Flip Flip.cfg Flip-safety-drain MaxStops=0 MaxDeaths=0 MaxDrains=1
holds Flip Flip.cfg Flip-safety-two-plans MaxPlans=2 MaxStops=0 MaxDeaths=0 MaxDrains=0
holds Flip FlipLive.cfg Flip-liveness
for witness in NeverSwitched NeverUndone NeverAborted; do
  falls Flip Flip.cfg "Flip-witness-$witness" "$witness" MaxPlans=2 MaxStops=0 MaxDeaths=0 MaxDrains=0
done
for witness in NeverTwoBehind NeverSuperseded NeverRepublished; do
  falls Flip Flip.cfg "Flip-witness-$witness" "$witness" MaxDrains=1
done
mistake Flip Flip.cfg noDedupe InOrder
mistake Flip Flip.cfg skipDrain Accounted
mistake Flip Flip.cfg outFirst Accounted MaxStops=0
mistake Flip Flip.cfg reopenEarly Accounted MaxStops=0 MaxDeaths=0 MaxDrains=1
mistake Flip Flip.cfg endNewAtOnce Accounted MaxStops=0 MaxDeaths=0 MaxDrains=1
mistake Flip Flip.cfg countAndGo NothingLost
mistake Flip Flip.cfg readBoth OneLaneRead
mistake Flip Flip.cfg noReserve SwitchHasRoom
mistake Flip Flip.cfg noDiscard NobodyBlocked MaxDrains=1
mistake Flip Flip.cfg settleWithoutAck InStepWhenStaged MaxPlans=2 MaxStops=0 MaxDeaths=0 MaxDrains=0
mistake Flip Flip.cfg reuseEpoch EpochNotReused MaxPlans=2
mistake Flip Flip.cfg allStaged OnlyDecided MaxPlans=2
mistake Flip Flip.cfg commitWithoutAck AgreeAtRest
never_ends Flip FlipLive.cfg Flip-mistake-neverAttest 'Bug="neverAttest"'

if [[ $deep == yes ]]; then
  holds Apply Apply.cfg Apply-deep-requests MaxRequests=3 MaxFaults=2
  holds Apply Apply.cfg Apply-deep-faults MaxRequests=2 MaxFaults=4
  holds Apply ApplyLive.cfg Apply-deep-liveness MaxFaults=2
  holds Flip Flip.cfg Flip-deep-frames Frames=3
  holds Flip Flip.cfg Flip-deep-all MaxDrains=1
  holds Flip Flip.cfg Flip-deep-drain MaxPlans=2 MaxStops=0 MaxDeaths=0 MaxDrains=1
  holds Flip Flip.cfg Flip-deep-death MaxPlans=2 MaxStops=0 MaxDeaths=1 MaxDrains=0
  holds Flip FlipLive.cfg Flip-deep-liveness MaxStops=1 MaxDrains=1
  mistake Flip Flip.cfg attestStopped Accounted MaxDeaths=0
  mistake Flip Flip.cfg noSkip Accounted MaxDrains=1
  mistake Flip Flip.cfg early OnlyDecided
  for bug in actOnRead onlyFsync; do mistake Apply Apply.cfg $bug LogReadable MaxFaults=2; done
  for bug in endBeforeC bareBoot noAdopt inverseForgetsMove; do mistake Apply Apply.cfg $bug NoPartialCommit MaxFaults=2; done
  mistake Apply Apply.cfg retryFsync YesIsDurable MaxFaults=2
  mistake Apply Apply.cfg keepOld NoOrphan MaxFaults=1
  mistake Flip Flip.cfg republishAll Accounted MaxPlans=2 MaxStops=0 MaxDeaths=1 MaxDrains=0
fi

if [[ $cases == 0 ]]; then
  echo "specs/check.sh: no case has '$pattern' in its name" >&2
  exit 2
fi
echo "cases: $cases"
echo "states: $states"
[[ $failed == 0 ]]
