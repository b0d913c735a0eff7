@0xd3f5a1c27b9e4468;
# The control protocol, one message a SOCK_SEQPACKET packet (standard stream framing inside), 64 KiB at most, descriptors
# by SCM_RIGHTS at most 253 a packet. `PanelToKeeper`/`KeeperToPanel` are core/keeper.ts on the wire; `KeeperToDriver`/
# `DriverToKeeper` join the keeper to the driver kit. A protocol version that differs is refused with its remedy.
#
# Text that names a driver, instance, route or endpoint is checked against the grammar of core/model/names.ts on arrival.

const protocol :UInt32 = 1;

# ---------------------------------------------------------------- shared

struct Tag { plan @0 :Text; move @1 :Text; }

struct Region { region @0 :UInt64; writer @1 :Text; reader @2 :Text; bytes @3 :UInt64; }

enum Side { producer @0; consumer @1; }
enum Backpressure { block @0; dropNewest @1; fail @2; }
enum Wait { sleep @0; spinThenSleep @1; }
enum Verb { send @0; receive @1; }
enum Direction { in @0; out @1; }
enum Access { read @0; readWrite @1; }
enum Io { pipe @0; pty @1; }

struct Lane {
  lane @0 :UInt64;
  route @1 :Text;
  routeId @2 :UInt32;
  side @3 :Side;
  endpoint @4 :Text;
  peer @5 :Text;
  ringRegion @6 :UInt64;
  producerPage @7 :UInt64;
  ring @8 :UInt64;
  ringBytes @9 :UInt64;
  creditRegion @10 :UInt64;
  consumerPage @11 :UInt64;
  maxFrameBytes @12 :UInt32;
  backpressure @13 :Backpressure;
  blockNs @14 :UInt64;
  wait @15 :Wait;
  spinNs @16 :UInt64;
  drainWithinNs @17 :UInt64;
  budgetNs @18 :UInt64;
  rateHz @19 :Float64;
}

struct StagedBinding {
  instance @0 :Text;
  forward @1 :List(Lane);
  inverse @2 :List(Lane);
  mustAcknowledge @3 :Bool;
}

struct Transition {
  id @0 :UInt64;
  from @1 :UInt64;
  forward @2 :UInt64;
  inverse @3 :UInt64;
  regions @4 :List(Region);
  bindings @5 :List(StagedBinding);
}

# `default` is one element's bytes, for a record of a version that lacks the field; empty: zeroes.
struct Field { name @0 :Text; type @1 :Text; count @2 :UInt32; offset @3 :UInt32; default @4 :Data; }

# A record of the contract since a version: its bytes, and the hash of what they mean.
struct Layout { since @0 :Text; bytes @1 :UInt32; hash @2 :Text; }

struct Endpoint {
  name @0 :Text;
  direction @1 :Direction;
  fields @2 :List(Field);
  dependsOn @3 :List(Text);
  contract @4 :Text;
  version @5 :Text;
  capabilities @6 :List(Text);
  layouts @7 :List(Layout);           # oldest first; none for opaque payloads
}

struct Stdio {
  io @0 :Io;
  frame :union { lines @1 :Void; fixed @2 :UInt32; prefixed @3 :Void; }
  quietNs @4 :UInt64;
  answerWithinNs @5 :UInt64;
}

struct OpenToken { endpoint @0 :Text; verb @1 :Verb; token @2 :Text; expiresNs @3 :UInt64; }

# ---------------------------------------------------------------- panel → keeper

struct Cell {
  instance @0 :Text;
  tag @1 :Tag;
  run @2 :List(Text);
  env @3 :List(Text);                 # NAME=value
  stdio :union { none @4 :Void; some @5 :Stdio; }
  endpoints @6 :List(Endpoint);
  closure @7 :List(ClosureFile);
  files @8 :List(FileGrant);
  network @9 :Bool;
  cpus @10 :List(UInt32);
  memoryBytes @11 :UInt64;
  openFiles @12 :UInt32;
  stopWithinNs @13 :UInt64;
  startEarly @14 :Bool;
  isolated @15 :Bool;
  tokens @16 :List(OpenToken);
  stopOrder @17 :UInt32;
}

struct ClosureFile { path @0 :Text; hash @1 :Text; executable @2 :Bool; }
struct FileGrant { path @0 :Text; access @1 :Access; }

# `generation` counts the panels of one keeper; a request of an older panel is refused.
struct PanelToKeeper {
  id @0 :UInt64;
  generation @1 :UInt64;
  union {
    attach @2 :Attach;
    inventory @3 :Void;
    spawn @4 :Cell;
    # A transition larger than a packet comes as several `stage` parts with one id; the last has `last` set.
    stage :group { transition @5 :Transition; last @6 :Bool; }
    seal @7 :UInt64;
    flip :group { from @8 :UInt64; to @9 :UInt64; }
    discard @10 :UInt64;
    settle @11 :UInt64;
    stop :group { instance @12 :Text; withinNs @13 :UInt64; }
    answerOpen :group { openInstance @14 :Text; request @15 :UInt64; refusal @16 :Text; }
    acknowledge @17 :UInt64;
    configure :group { noPanelForNs @18 :UInt64; logBytes @19 :UInt64; }
    shutdown @20 :Void;
    # Asks for read-only descriptors of these regions, for telemetry (answered with SCM_RIGHTS, in order).
    regionDescriptors @21 :List(UInt64);
  }
}

struct Attach { protocol @0 :UInt32; panel @1 :Text; }

# ---------------------------------------------------------------- keeper → panel

struct KeeperToPanel {
  union {
    reply @0 :Reply;
    event @1 :Event;
  }
}

struct Reply {
  id @0 :UInt64;
  union {
    done :group { epoch @1 :UInt64; inventory @2 :Inventory; hasInventory @3 :Bool; more @6 :Bool; }
    refused :group { code @4 :Text; message @5 :Text; }
    attached :group { protocol @7 :UInt32; generation @8 :UInt64; keeperVersion @9 :Text; }
  }
}

# An inventory larger than a packet comes as several replies with one id; all but the last have `more` set.
struct Inventory {
  epoch @0 :UInt64;
  lastEpoch @1 :UInt64;
  instances @2 :List(InstanceFact);
  regions @3 :List(RegionFact);
  transitions @4 :List(Transition);
}

enum InstanceState { starting @0; parked @1; running @2; exited @3; }

struct InstanceFact {
  instance @0 :Text;
  tag @1 :Tag;
  pid @2 :Int32;
  state @3 :InstanceState;
  exited @4 :Bool;
  exit @5 :Int32;
  acknowledged @6 :UInt64;
  opened @7 :List(Text);
  lanes @8 :List(Lane);
  sandbox @9 :List(Text);             # NAME=how
  closed @10 :Bool;                   # the keeper hears it no more
}

struct RegionFact {
  region @0 :UInt64;
  writer @1 :Text;
  reader @2 :Text;
  bytes @3 :UInt64;
  inode @4 :UInt64;
  seals @5 :List(Text);
}

struct Event {
  seq @0 :UInt64;
  instance @1 :Text;
  union {
    hello :group { protocol @2 :UInt32; kit @3 :Text; }
    open :group { request @4 :UInt64; saddr @5 :Text; verb @6 :Verb; token @7 :Text; }
    parked @8 :Void;
    mapped @9 :UInt64;
    ready @10 :UInt64;
    acknowledged @11 :UInt64;
    failed :group { code @12 :Text; message @13 :Text; }
    exited @14 :Int32;
  }
}

# ---------------------------------------------------------------- keeper → driver

struct KeeperToDriver {
  union {
    # First message. Descriptors: the epoch page (one page, read-only, word at offset 0), then granted files in order.
    welcome @0 :Welcome;
    opened :group { request @1 :UInt64; refusal @2 :Text; }   # empty refusal: granted
    # Two bindings, complete. Descriptors: writable ones of `writes`, in order. Answer: mapped, or failed.
    stage :group { id @3 :UInt64; binding @4 :StagedBinding; writes @5 :List(Region); forward @6 :UInt64; inverse @7 :UInt64; last @8 :Bool;
             # The epoch whose binding this instance has in force when it is staged (0: none yet): a driver that slept over
             # several epochs finds its way base → forward → inverse by it.
             base @18 :UInt64; }
    # Descriptors: read-only ones of `reads`, in order. Answer: ready, or failed.
    handOut :group { handOutId @9 :UInt64; reads @10 :List(Region); handOutLast @11 :Bool; }
    discard @12 :UInt64;
    # Regions listed are no longer used by the binding in force: unmap. `inForce` is the transition's `forward`, or its
    # `inverse` after a flip back (0: not said).
    settle :group { settleId @13 :UInt64; gone @14 :List(UInt64); inForce @19 :UInt64; }
    # The other side of this lane is dead: nothing more is written to it, or nothing more is credited.
    laneEnded :group { lane @15 :UInt64; epoch @16 :UInt64; }
    stop @17 :Void;
  }
}

struct Welcome {
  protocol @0 :UInt32;
  instance @1 :Text;
  tokens @2 :List(OpenToken);
  endpoints @3 :List(Endpoint);
  stdio :union { none @4 :Void; some @5 :Stdio; }
  run @6 :List(Text);                 # the foreign program's argv, for `exec`; arguments after rtt:NAME otherwise
  files @7 :List(FileGrant);          # one descriptor each, for those passed by descriptor
  startEarly @8 :Bool;
}

# ---------------------------------------------------------------- driver → keeper

struct DriverToKeeper {
  union {
    hello :group { protocol @0 :UInt32; kit @1 :Text; }
    open :group { request @2 :UInt64; endpoint @3 :Text; verb @4 :Verb; token @5 :Text; }
    parked @6 :Void;
    mapped @7 :UInt64;
    ready @8 :UInt64;
    acknowledged @9 :UInt64;
    failed :group { code @10 :Text; message @11 :Text; }
  }
}
