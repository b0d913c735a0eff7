------------------------------- MODULE Apply -------------------------------
(***************************************************************************)
(* The apply of one signed plan, its rollback and the recovery of a panel  *)
(* that died: admit, prepare, D, flip, verify, C, undo, R, and the moves   *)
(* that a plan permits. Panel, keeper, drivers and the whole host may      *)
(* crash at every step; an fsync may fail; unsynced sectors may be lost in *)
(* any order. How the drivers follow one flip is in Flip.tla; here a flip  *)
(* is one step of the keeper.                                              *)
(*                                                                         *)
(* README.md maps each action to the function that does it.                *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  MaxRequests,   \* applies and rollbacks that people ask for
  MaxFaults,     \* crashes and failed fsyncs, of all kinds together
  MaxMoves,      \* fallback moves (restarts are bounded by the crashes)
  Bug            \* "none", or the name of one deliberate mistake

VARIABLES
  log,       \* the WAL as a reader sees it: records with what the disk is known to hold of each
  corrupt,   \* a reader finds a hole in the log and refuses to serve
  pc,        \* what the panel does next
  req,       \* the request in work: [id, plan, rb] or None
  then,      \* pc that follows the reap: where the reply is given
  cmd,       \* the command between panel and keeper: None, asked, or answered
  late,      \* a command of a dead panel that still lies in a socket
  keeper,    \* the keeper and all that ends with it
  asked,     \* requests so far
  faults,    \* faults so far
  moves,     \* fallback moves so far
  yes, no    \* ids of requests that somebody was told are committed / not committed

vars == <<log, corrupt, pc, req, then, cmd, late, keeper, asked, faults, moves, yes, no>>

(***************************************************************************)
(* The plans. `x` is a critical route, `y` is not. Plan 0 is the base.     *)
(* The `from` sides belong to a driver that no plan changes and that is    *)
(* not modelled; the `to` sides are the drivers a and b.                   *)
(***************************************************************************)
None    == [none |-> TRUE]
Plans   == 0..2
Drivers == {"a", "b"}
Base    == [p \in 1..2 |-> p - 1]
Wires   == [p \in Plans |-> CASE p = 0 -> {<<"x", "a">>}
                              [] p = 1 -> {<<"x", "b">>}
                              [] p = 2 -> {<<"x", "b">>, <<"y", "a">>}]
HasFallback(p) == p = 1                     \* plan 1 keeps a running as the fallback of x
Needs   == [p \in Plans |-> IF p = 0 THEN {"a"} ELSE {"a", "b"}]
Critical == {"x"}

Graph(p, f) == [plan |-> p, moved |-> f]    \* a plan, and whether its fallback move is active
Links(g)    == IF g.moved THEN {<<"x", "a">>} ELSE Wires[g.plan]
LinkOf(l)   == <<l[1], l[2]>>               \* a lane is <<from, to, the epoch number it was made for>>
LinksOf(ls) == {LinkOf(l) : l \in ls}

(***************************************************************************)
(* The log. st: "dirty" written, not synced; "lost" its fsync failed, the  *)
(* page cache shows it and calls it clean, the disk may not hold it;       *)
(* "safe" on the disk.                                                     *)
(***************************************************************************)
Rec(k, q, p, i, b) == [k |-> k, seq |-> q, plan |-> p, id |-> i, rb |-> b, st |-> "dirty"]
Last        == log[Len(log)]
NextSeq     == Last.seq + 1
Append1(r)  == Append(log, r)
Sync(s)     == [i \in DOMAIN s |-> IF s[i].st = "dirty" THEN [s[i] EXCEPT !.st = "safe"] ELSE s[i]]
Rewrite(s)  == [i \in DOMAIN s |-> [s[i] EXCEPT !.st = "safe"]]
FailSync(s) == [i \in DOMAIN s |-> IF s[i].st = "dirty" THEN [s[i] EXCEPT !.st = "lost"] ELSE s[i]]

Cs          == {i \in DOMAIN log : log[i].k = "C"}
LastC       == CHOOSE i \in Cs : \A j \in Cs : j <= i
Committed   == log[LastC].plan
MovedInLog  == \E i \in DOMAIN log : i > LastC /\ log[i].k = "M" /\ log[i].rb = FALSE
Desired     == Graph(Committed, MovedInLog)
Closes      == IF Bug = "forgetsR" THEN {"C"} ELSE {"C", "R"}
Closed(id)  == \E i \in DOMAIN log : log[i].k \in Closes /\ log[i].id = id
OpenDs      == {i \in DOMAIN log : log[i].k = "D" /\ ~Closed(log[i].id)}
OpenD       == log[CHOOSE i \in OpenDs : TRUE]

(***************************************************************************)
(* The keeper.                                                             *)
(***************************************************************************)
Off == [d \in Drivers |-> "off"]
Fresh(e) == [up |-> TRUE, epoch |-> e, next |-> e + 1, act |-> None, lanes |-> {}, staged |-> None,
             regions |-> {}, drv |-> Off, pin |-> {}]
Dead == [Fresh(0) EXCEPT !.up = FALSE]

Init ==
  /\ log = <<[Rec("C", 1, 0, 0, FALSE) EXCEPT !.st = "safe"]>>
  /\ corrupt = FALSE /\ pc = "idle" /\ req = None /\ then = "idle" /\ cmd = None /\ late = None
  /\ keeper = [Fresh(1) EXCEPT !.act = Graph(0, FALSE), !.lanes = {<<"x", "a", 1>>},
               !.regions = {<<"x", "a", 1>>}, !.drv = [Off EXCEPT !["a"] = "run"], !.pin = {"a"}]
  /\ asked = 0 /\ faults = 0 /\ moves = 0 /\ yes = {0} /\ no = {}

\* Start what a graph needs, parked and pinned, and make the lanes that it adds.
Prepared(k, g) ==
  LET new   == {d \in Needs[g.plan] : k.drv[d] = "off"}
      added == {<<l[1], l[2], k.next>> : l \in Links(g) \ LinksOf(k.lanes)}
  IN  [k EXCEPT !.drv = [d \in Drivers |-> IF d \in new THEN "parked" ELSE k.drv[d]],
                !.pin = k.pin \cup new,
                !.regions = k.regions \cup added]

Forward(k, g) ==
  {l \in k.regions : LinkOf(l) \in Links(g) /\ (l \in k.lanes \/ (l[3] = k.next /\ LinkOf(l) \notin LinksOf(k.lanes)))}
    \cup (IF Bug = "keepOldLink" THEN k.lanes ELSE {})

Unpark(k, ls) == [d \in Drivers |-> IF k.drv[d] = "parked" /\ (\E l \in ls : l[2] = d) THEN "run" ELSE k.drv[d]]
UnparkAll(k)  == [d \in Drivers |-> IF k.drv[d] = "parked" THEN "run" ELSE k.drv[d]]

Staged(k, g) ==
  [k EXCEPT !.staged = [g |-> g, lanes |-> Forward(k, g), back |-> k.lanes,
                        backG |-> IF Bug = "inverseForgetsMove" THEN Graph(k.act.plan, FALSE) ELSE k.act,
                        e1 |-> k.next, e2 |-> k.next + 1],
            !.next = k.next + 2]

Flipped(k, e) ==
  IF k.staged # None /\ k.staged.e1 = e /\ k.epoch < e
  THEN [k EXCEPT !.epoch = e, !.act = k.staged.g, !.lanes = k.staged.lanes, !.drv = UnparkAll(k)]
  ELSE k

\* The inverse flip. Not flipped: only the staging goes.
Undone(k) ==
  IF k.staged = None THEN k
  ELSE IF k.epoch = k.staged.e1
       THEN [k EXCEPT !.epoch = k.staged.e2, !.act = k.staged.backG, !.lanes = k.staged.back, !.staged = None]
       ELSE [k EXCEPT !.staged = None]

Ended(k, g) ==
  [k EXCEPT !.drv = [d \in Drivers |-> IF d \in Needs[g.plan] THEN k.drv[d] ELSE "off"],
            !.pin = k.pin \cap Needs[g.plan]]
Freed(k) == [k EXCEPT !.regions = k.lanes, !.staged = None]

Booted(k, g) ==
  [k EXCEPT !.act = g, !.lanes = Forward(k, g), !.drv = UnparkAll(k), !.epoch = k.next, !.next = k.next + 1]

\* A restarted driver always gets new regions.
Restarted(k, d) ==
  LET swap(l) == IF l[2] = d THEN <<l[1], l[2], k.next>> ELSE l
  IN  [k EXCEPT !.drv[d] = "run", !.pin = IF Bug = "restartUnpinned" THEN k.pin \ {d} ELSE k.pin \cup {d},
                !.lanes = {swap(l) : l \in k.lanes},
                !.regions = {swap(l) : l \in k.regions},
                !.epoch = k.next, !.next = k.next + 1]

FellBack(k) ==
  LET g  == Graph(k.act.plan, TRUE)
      ls == {<<l[1], l[2], k.next>> : l \in Links(g)}
  IN  [k EXCEPT !.act = g, !.lanes = ls, !.regions = k.regions \cup ls, !.epoch = k.next, !.next = k.next + 1]

Done(k, c) ==
  CASE c.c = "prepare"  -> Prepared(k, c.g)
    [] c.c = "stage"    -> Staged(k, c.g)
    [] c.c = "flip"     -> Flipped(k, c.e)
    [] c.c = "undo"     -> Undone(k)
    [] c.c = "end"      -> Ended(k, c.g)
    [] c.c = "free"     -> Freed(k)
    [] c.c = "boot"     -> Booted(k, c.g)
    [] c.c = "restart"  -> Restarted(k, c.d)
    [] c.c = "fallback" -> FellBack(k)

KeeperDoes ==
  /\ keeper.up /\ cmd # None /\ cmd.at = "asked"
  /\ keeper' = Done(keeper, cmd)
  /\ cmd' = [cmd EXCEPT !.at = "ok"]
  /\ UNCHANGED <<log, corrupt, pc, req, then, late, asked, faults, moves, yes, no>>

\* A driver never answers prepare: the barrier's deadline passes. What was made stays until it is discarded.
KeeperGivesUp ==
  /\ keeper.up /\ cmd # None /\ cmd.at = "asked" /\ cmd.c = "prepare" /\ pc = "prepare"
  /\ keeper' = Done(keeper, cmd)
  /\ cmd' = [cmd EXCEPT !.at = "no"]
  /\ UNCHANGED <<log, corrupt, pc, req, then, late, asked, faults, moves, yes, no>>

\* Only with Bug = "noFence": the keeper reads on in a dead panel's socket.
KeeperDoesLate ==
  /\ keeper.up /\ late # None
  /\ keeper' = Done(keeper, late)
  /\ late' = None
  /\ UNCHANGED <<log, corrupt, pc, req, then, cmd, asked, faults, moves, yes, no>>

(***************************************************************************)
(* The panel. Each step either gives the keeper one command, takes one     *)
(* answer, or touches the log once.                                        *)
(***************************************************************************)
Ask(c)   == cmd = None /\ keeper.up /\ cmd' = c
Got(c)   == cmd # None /\ cmd.c = c /\ cmd.at = "ok" /\ cmd' = None
Command(c, g, e, d) == [c |-> c, g |-> g, e |-> e, d |-> d, at |-> "asked"]
Target   == Graph(req.plan, FALSE)
PanelOnly == UNCHANGED <<corrupt, late, keeper, asked, faults, moves>>
Quietly  == UNCHANGED <<yes, no>>

SomeDead == \E d \in Drivers : keeper.drv[d] = "dead"

\* A request comes in and is admitted; what admission refuses changes nothing and is not modelled further.
Admit ==
  /\ pc = "idle" /\ cmd = None /\ keeper.up /\ ~SomeDead /\ asked < MaxRequests
  /\ asked' = asked + 1
  /\ \E p \in Plans, rb \in BOOLEAN :
       /\ IF rb THEN Committed > 0 /\ p = (IF Bug = "rollbackToBase" THEN 0 ELSE Base[Committed])
                ELSE p > 0 /\ Base[p] = Committed
       /\ req' = [id |-> asked + 1, plan |-> p, rb |-> rb]
  /\ pc' = "prepare"
  /\ UNCHANGED <<log, corrupt, then, cmd, late, keeper, faults, moves, yes, no>>

\* The committed plan is applied again: a no-op that says so.
AdmitAgain ==
  /\ pc = "idle" /\ cmd = None /\ keeper.up /\ ~SomeDead /\ asked < MaxRequests
  /\ asked' = asked + 1
  /\ UNCHANGED <<log, corrupt, pc, req, then, cmd, late, keeper, faults, moves, yes, no>>

AskPrepare == pc = "prepare" /\ Ask(Command("prepare", Target, 0, "-")) /\ PanelOnly /\ Quietly
              /\ UNCHANGED <<log, pc, req, then>>
GotPrepare == pc = "prepare" /\ Got("prepare") /\ pc' = "stage" /\ PanelOnly /\ Quietly
              /\ UNCHANGED <<log, req, then>>
\* Exit 4, before any D: discard.
PrepareFailed ==
  /\ pc = "prepare" /\ cmd # None /\ cmd.at = "no"
  /\ cmd' = None /\ pc' = "end" /\ then' = "sayNo"
  /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req>>

AskStage == pc = "stage" /\ Ask(Command("stage", Target, 0, "-")) /\ PanelOnly /\ Quietly
            /\ UNCHANGED <<log, pc, req, then>>
GotStage == pc = "stage" /\ Got("stage") /\ pc' = (IF Bug = "flipBeforeD" THEN "flip" ELSE "writeD")
            /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, then>>

WriteD == /\ pc = "writeD" /\ pc' = "syncD"
          /\ log' = Append1(Rec("D", NextSeq, req.plan, req.id, req.rb))
          /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, then, cmd>>
SyncD  == /\ pc = "syncD" /\ pc' = (IF Bug = "flipBeforeD" THEN "verify" ELSE "flip")
          /\ log' = Sync(log)
          /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, then, cmd>>

AskFlip == pc = "flip" /\ Ask(Command("flip", Target, keeper.staged.e1, "-")) /\ PanelOnly /\ Quietly
           /\ UNCHANGED <<log, pc, req, then>>
GotFlip == pc = "flip" /\ Got("flip") /\ pc' = (IF Bug = "flipBeforeD" THEN "writeD" ELSE "verify")
           /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, then>>

\* From the keeper's facts alone.
Observed == /\ keeper.up /\ keeper.act = Target /\ LinksOf(keeper.lanes) = Links(Target)
            /\ keeper.staged # None /\ keeper.epoch = keeper.staged.e1
            /\ \A d \in Needs[req.plan] : keeper.drv[d] = "run"
VerifyHolds == /\ pc = "verify" /\ Observed
               /\ pc' = (IF Bug = "endBeforeC" THEN "end" ELSE "writeC")
               /\ then' = (IF Bug = "endBeforeC" THEN "writeC" ELSE then)
               /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, cmd>>
\* A driver is dead, or has not acknowledged within the deadline.
VerifyFails == /\ pc = "verify" /\ pc' = "undo"
               /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, then, cmd>>

WriteC == /\ pc = "writeC" /\ pc' = "syncC"
          /\ log' = Append1(Rec("C", NextSeq, req.plan, req.id, req.rb))
          /\ yes' = (IF Bug = "replyBeforeC" THEN yes \cup {req.id} ELSE yes)
          /\ PanelOnly /\ UNCHANGED <<req, then, cmd, no>>
SyncC  == /\ pc = "syncC" /\ log' = Sync(log)
          /\ yes' = yes \cup {req.id} /\ req' = None
          /\ pc' = (IF Bug \in {"keepOld", "endBeforeC"} THEN "idle" ELSE "end") /\ then' = "idle"
          /\ PanelOnly /\ UNCHANGED <<cmd, no>>

AskUndo == pc = "undo" /\ Ask(Command("undo", None, 0, "-")) /\ PanelOnly /\ Quietly
           /\ UNCHANGED <<log, pc, req, then>>
GotUndo == /\ pc = "undo" /\ Got("undo")
           /\ pc' = (IF OpenDs = {} THEN "adopt" ELSE "writeR")
           /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, then>>

\* Closes the open D. A living panel answers exit 4 after it; a recovering one has nobody to answer.
WriteR == /\ pc = "writeR" /\ OpenDs # {} /\ pc' = "syncR"
          /\ log' = Append1(Rec("R", NextSeq, OpenD.plan, OpenD.id, OpenD.rb))
          /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, then, cmd>>
SyncR  == /\ pc = "syncR" /\ log' = Sync(log)
          /\ pc' = (IF ~keeper.up \/ keeper.act = None THEN "boot"
                    ELSE IF Bug = "rBeforeUndo" /\ keeper.staged # None THEN "undo" ELSE "adopt")
          /\ then' = (IF req = None THEN "idle" ELSE "sayNo")
          /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, cmd>>

\* End drivers, then free regions, that the log does not name.
AskEnd  == pc = "end" /\ Ask(Command("end", IF Bug = "endBeforeC" /\ then = "writeC" THEN Target ELSE Desired, 0, "-"))
           /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, pc, req, then>>
GotEnd  == pc = "end" /\ Got("end") /\ pc' = "free" /\ PanelOnly /\ Quietly
           /\ UNCHANGED <<log, req, then>>
AskFree == pc = "free" /\ Ask(Command("free", None, 0, "-")) /\ PanelOnly /\ Quietly
           /\ UNCHANGED <<log, pc, req, then>>
GotFree == pc = "free" /\ Got("free") /\ pc' = then /\ PanelOnly /\ Quietly
           /\ UNCHANGED <<log, req, then>>

SayNo == /\ pc = "sayNo" /\ pc' = "idle" /\ then' = "idle" /\ req' = None
         /\ no' = (IF req = None THEN no ELSE no \cup {req.id})
         /\ PanelOnly /\ UNCHANGED <<log, cmd, yes>>

\* Moves. The keeper does them and tags them; the M record follows. rb marks a restart, which leaves the graph as it is.
AskRestart  == /\ pc = "idle" /\ SomeDead
               /\ \E d \in Drivers : keeper.drv[d] = "dead" /\ Ask(Command("restart", None, 0, d))
               /\ pc' = "restart"
               /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, then>>
GotRestart  == pc = "restart" /\ Got("restart") /\ pc' = "writeMr" /\ PanelOnly /\ Quietly
               /\ UNCHANGED <<log, req, then>>
WriteMr     == /\ pc = "writeMr" /\ pc' = "syncM" /\ log' = Append1(Rec("M", NextSeq, Committed, 0, TRUE))
               /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, then, cmd>>
AskFallback == /\ pc = "idle" /\ cmd = None /\ ~SomeDead /\ moves < MaxMoves
               /\ HasFallback(Committed) /\ ~MovedInLog
               /\ Ask(Command("fallback", None, 0, "-"))
               /\ pc' = "fallback" /\ moves' = moves + 1
               /\ UNCHANGED <<log, corrupt, req, then, late, keeper, asked, faults, yes, no>>
GotFallback == pc = "fallback" /\ Got("fallback") /\ pc' = "writeM" /\ PanelOnly /\ Quietly
               /\ UNCHANGED <<log, req, then>>
WriteM      == /\ pc = "writeM" /\ pc' = (IF Bug = "lazyM" THEN "end" ELSE "syncM")
               /\ log' = Append1(Rec("M", NextSeq, Committed, 0, FALSE))
               /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, then, cmd>>
SyncM       == /\ pc = "syncM" /\ pc' = "end" /\ then' = "idle" /\ log' = Sync(log)
               /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, cmd>>

(***************************************************************************)
(* Recovery. A panel that starts attaches (which fences what the last one  *)
(* left in the socket), reads the log, makes what it read durable in a new *)
(* segment, and only then acts.                                            *)
(***************************************************************************)
\* What the page cache shows of a record whose fsync failed may be gone when it is read again.
Readings == {s \in {log, SubSeq(log, 1, Len(log) - 1)} : s = log \/ Last.st = "lost"}

Start ==
  /\ pc = "down" /\ ~corrupt
  /\ \E s \in Readings : log' = s
  /\ pc' = "read"
  /\ late' = (IF Bug = "noFence" /\ cmd # None /\ cmd.at = "asked" THEN cmd ELSE late)
  /\ cmd' = None
  /\ UNCHANGED <<corrupt, req, then, keeper, asked, faults, moves, yes, no>>

MakeDurable ==
  /\ pc = "read"
  /\ log' = (CASE Bug = "actOnRead" -> log [] Bug = "onlyFsync" -> Sync(log) [] OTHER -> Rewrite(log))
  /\ pc' = "look"
  /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, then, cmd>>

\* The open D itself was never durable (nothing flipped): the new segment may hold R in its place, which proves the gap.
MakeDurableWithGap ==
  /\ pc = "read" /\ OpenDs # {} /\ Last.k = "D" /\ Last.st # "safe" /\ keeper.up /\ keeper.act # None
  /\ log' = Rewrite(Append(SubSeq(log, 1, Len(log) - 1), Rec("R", Last.seq + (IF Bug = "wideGap" THEN 2 ELSE 1), Last.plan, Last.id, Last.rb)))
  /\ pc' = "adopt" /\ then' = "idle"
  /\ PanelOnly /\ Quietly /\ UNCHANGED <<req, cmd>>

\* Cold: nothing is alive, so there is nothing to undo. Warm: undo first, then R.
Look ==
  /\ pc = "look"
  /\ then' = (IF req = None THEN "idle" ELSE "sayNo")
  /\ LET open == OpenDs # {} /\ Bug # "ignoreOpenD"
         cold == ~keeper.up \/ keeper.act = None
     IN  pc' = (CASE open /\ cold               -> "writeR"
                  [] open /\ Bug = "rBeforeUndo" -> "writeR"
                  [] open /\ ~cold              -> "undo"
                  [] ~open /\ cold              -> "boot"
                  [] OTHER                      -> "adopt")
  /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, cmd>>

\* A permitted move that the keeper made and no M names: M follows now. Anything else is drift, and a bug here.
Adopt ==
  /\ pc = "adopt"
  /\ pc' = (IF keeper.up /\ keeper.act = Graph(Committed, TRUE) /\ ~MovedInLog /\ HasFallback(Committed)
               /\ Bug # "noAdopt"
            THEN "writeM" ELSE "end")
  /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, then, cmd>>

\* A new keeper's epochs begin above those of all keepers before it.
BootGraph == IF Bug = "bareBoot" THEN Graph(Committed, FALSE) ELSE Desired
NewKeeper  == /\ pc = "boot" /\ ~keeper.up /\ cmd = None
              /\ keeper' = Fresh(keeper.next)
              /\ UNCHANGED <<log, corrupt, pc, req, then, cmd, late, asked, faults, moves, yes, no>>
AskBootPrepare == pc = "boot" /\ Ask(Command("prepare", BootGraph, 0, "-")) /\ PanelOnly /\ Quietly
                  /\ UNCHANGED <<log, pc, req, then>>
GotBootPrepare == pc = "boot" /\ Got("prepare") /\ pc' = "release" /\ PanelOnly /\ Quietly
                  /\ UNCHANGED <<log, req, then>>
AskBoot == pc = "release" /\ Ask(Command("boot", BootGraph, 0, "-")) /\ PanelOnly /\ Quietly
           /\ UNCHANGED <<log, pc, req, then>>
GotBoot == pc = "release" /\ Got("boot") /\ pc' = "end" /\ PanelOnly /\ Quietly
           /\ UNCHANGED <<log, req, then>>

\* A recovered panel answers `status`: from here on people were told what is committed.
Show == /\ pc = "idle" /\ log[LastC].id \notin yes
        /\ yes' = yes \cup {log[LastC].id}
        /\ UNCHANGED <<log, corrupt, pc, req, then, cmd, late, keeper, asked, faults, moves, no>>

\* A living panel sees its keeper die. Every record it wrote is synced at these places.
Waits == {"idle", "prepare", "stage", "flip", "verify", "undo", "end", "free", "adopt", "restart", "fallback",
          "release", "writeM", "writeMr", "writeD", "writeC"}
SeesKeeperDie ==
  /\ pc \in Waits /\ ~keeper.up /\ Bug # "blindToKeeper"
  /\ pc' = "look" /\ cmd' = None
  /\ PanelOnly /\ Quietly /\ UNCHANGED <<log, req, then>>

(***************************************************************************)
(* Faults.                                                                 *)
(***************************************************************************)
Fault == faults < MaxFaults /\ faults' = faults + 1

PanelCrash ==
  /\ Fault /\ pc # "down"
  /\ pc' = "down" /\ req' = None /\ then' = "idle"
  /\ cmd' = (IF cmd # None /\ cmd.at = "asked" THEN cmd ELSE None)
  /\ UNCHANGED <<log, corrupt, late, keeper, asked, moves, yes, no>>

\* Its drivers end with it, and so do its sockets.
KeeperCrash ==
  /\ Fault /\ keeper.up
  /\ keeper' = [Dead EXCEPT !.next = keeper.next]
  /\ cmd' = None /\ late' = None
  /\ UNCHANGED <<log, corrupt, pc, req, then, asked, moves, yes, no>>

DriverCrash ==
  /\ Fault /\ keeper.up
  /\ \E d \in Drivers : keeper.drv[d] \in {"run", "parked"} /\ keeper' = [keeper EXCEPT !.drv[d] = "dead"]
  /\ UNCHANGED <<log, corrupt, pc, req, then, cmd, late, asked, moves, yes, no>>

\* Power is lost. Of the records that are not safe, any subset is on the disk.
HostCrash ==
  /\ Fault
  /\ LET unsafe == {i \in DOMAIN log : log[i].st # "safe"}
     IN  \E keep \in SUBSET unsafe :
           LET left == {i \in DOMAIN log : i \notin unsafe \/ i \in keep}
               n    == Cardinality(left)
           IN  IF left = 1..n
               THEN log' = Rewrite(SubSeq(log, 1, n)) /\ UNCHANGED corrupt
               ELSE corrupt' = TRUE /\ UNCHANGED log
  /\ pc' = "down" /\ req' = None /\ then' = "idle" /\ cmd' = None /\ late' = None
  /\ keeper' = [Dead EXCEPT !.next = keeper.next]
  /\ UNCHANGED <<asked, moves, yes, no>>

\* The fsync of D: nothing flipped, exit 4. Of C: in doubt, neither yes nor no. Both: poisoned, restart from disk.
FsyncFails ==
  /\ Fault /\ pc \in {"syncD", "syncC", "syncR", "syncM", "read"}
  /\ log' = FailSync(log)
  /\ IF Bug = "retryFsync" /\ pc = "syncC"
     THEN pc' = "syncC" /\ UNCHANGED <<req, no>>
     ELSE IF Bug = "invertOnDoubt" /\ pc = "syncC"
     THEN pc' = "down" /\ req' = None /\ no' = no \cup {req.id}
     ELSE pc' = "down" /\ req' = None /\ no' = (IF pc = "syncD" THEN no \cup {req.id} ELSE no)
  /\ then' = "idle"
  /\ UNCHANGED <<corrupt, cmd, late, keeper, asked, moves, yes>>

(***************************************************************************)
Panel ==
  \/ AskPrepare \/ GotPrepare \/ PrepareFailed \/ AskStage \/ GotStage \/ WriteD \/ SyncD \/ AskFlip \/ GotFlip
  \/ VerifyHolds \/ VerifyFails \/ WriteC \/ SyncC \/ AskUndo \/ GotUndo \/ WriteR \/ SyncR
  \/ AskEnd \/ GotEnd \/ AskFree \/ GotFree \/ SayNo \/ AskRestart \/ GotRestart \/ WriteMr
  \/ GotFallback \/ WriteM \/ SyncM
  \/ Start \/ MakeDurable \/ MakeDurableWithGap \/ Look \/ Adopt \/ NewKeeper \/ AskBootPrepare \/ GotBootPrepare
  \/ AskBoot \/ GotBoot \/ SeesKeeperDie
Keeper == KeeperDoes \/ KeeperGivesUp \/ KeeperDoesLate
People == Admit \/ AdmitAgain \/ AskFallback \/ Show
Faults == PanelCrash \/ KeeperCrash \/ DriverCrash \/ HostCrash \/ FsyncFails
Next == Panel \/ Keeper \/ People \/ Faults

Spec     == Init /\ [][Next]_vars
FairSpec == Spec /\ WF_vars(Panel \/ Keeper)

(***************************************************************************)
(* What must hold.                                                         *)
(***************************************************************************)
Quiet == pc = "idle" /\ cmd = None /\ keeper.up /\ ~SomeDead

\* No two active links for one (from, class # bus).
OneActiveLink == \A l, m \in keeper.lanes : l[1] = m[1] => l = m
\* No active link ends in memory that is gone or in a driver that was never started or was ended.
NoDanglingLink == \A l \in keeper.lanes : l \in keeper.regions /\ keeper.drv[l[2]] \in {"run", "dead"}
\* A quiet panel holds the buffers and the drivers of the committed graph, and no others.
NoOrphan == Quiet => /\ keeper.regions = keeper.lanes /\ keeper.staged = None
                     /\ {d \in Drivers : keeper.drv[d] # "off"} = Needs[Committed]
NoUnpinnedCritical == \A l \in keeper.lanes : l[1] \in Critical /\ keeper.drv[l[2]] = "run" => l[2] \in keeper.pin
\* Observed is exactly the base or exactly the plan; when quiet, exactly what the log says.
NoPartialCommit ==
  /\ Quiet => keeper.act = Desired /\ LinksOf(keeper.lanes) = Links(Desired)
  /\ keeper.up /\ keeper.act # None =>
       /\ keeper.act.plan = Committed \/ \E i \in OpenDs : log[i].plan = keeper.act.plan /\ log[i].st = "safe"
       /\ LinksOf(keeper.lanes) = Links(keeper.act)
\* The only success reply comes after C is on the disk, and stays true.
YesIsDurable == ~corrupt => \A id \in yes : \E i \in DOMAIN log : log[i].k = "C" /\ log[i].id = id /\ log[i].st = "safe"
\* Exit 4 stays true too.
NoStaysNo == \A id \in no : ~\E i \in DOMAIN log : log[i].k = "C" /\ log[i].id = id
SeqMonotonic == \A i \in 1..(Len(log) - 1) :
  \/ log[i + 1].seq = log[i].seq + 1
  \/ log[i + 1].k = "R" /\ log[i + 1].seq = log[i].seq + 2   \* R names the D that is not there
\* No honest crash makes a log that its reader refuses.
LogReadable == ~corrupt
\* Each D is closed once; a plan that is committed is not committed again.
Idempotent ==
  /\ \A id \in 1..MaxRequests : /\ Cardinality({i \in DOMAIN log : log[i].k = "D" /\ log[i].id = id}) <= 1
                                /\ Cardinality({i \in DOMAIN log : log[i].k \in {"C", "R"} /\ log[i].id = id}) <= 1
  /\ \A i, j \in Cs : i < j /\ (\A k \in Cs : ~(i < k /\ k < j)) => log[i].plan # log[j].plan
  /\ Cardinality(OpenDs) <= 1
\* Each committed rollback goes one plan down the chain of predecessors, and there is none below the base.
RollbackBounded == \A i, j \in Cs : i < j /\ (\A k \in Cs : ~(i < k /\ k < j)) /\ log[j].rb =>
                     log[i].plan > 0 /\ log[j].plan = Base[log[i].plan]

\* An apply ends: whoever asks is answered (or sees the panel die), and the panel comes to rest again.
ApplyEnds  == req # None ~> req = None
ComesToRest == []<>(Quiet /\ OpenDs = {})

(***************************************************************************)
(* Witnesses: wrong on purpose. TLC must find them violated, otherwise the *)
(* model never gets to where the invariants say anything.                  *)
(***************************************************************************)
NeverCommitted   == ~(Quiet /\ Committed = 2)
NeverRolledBack  == ~(Quiet /\ \E i \in Cs : log[i].rb)
NeverUndone      == ~(Quiet /\ \E i \in DOMAIN log : log[i].k = "R")
NeverGap         == \A i \in 1..(Len(log) - 1) : log[i + 1].seq = log[i].seq + 1
NeverInDoubt     == ~(Quiet /\ \E i \in Cs : log[i].id \notin yes \cup {0})
NeverMoved       == ~(Quiet /\ MovedInLog /\ faults > 0)
=============================================================================
