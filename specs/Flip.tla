-------------------------------- MODULE Flip --------------------------------
(***************************************************************************)
(* How running drivers follow a flip. A plant sends frames 1, 2, ... over  *)
(* a sense lane to a controller, which answers each over a force lane. A   *)
(* plan puts another controller in its place: it stages two bindings per   *)
(* concerned driver, forward (from -> e1) and inverse (e1 -> e2), and the  *)
(* keeper's CAS of one epoch word decides. Drivers see it when they look,  *)
(* may be stopped for as long as they like, and may die. A plan may be     *)
(* aborted after its stage, or undone after its flip.                      *)
(*                                                                         *)
(* What goes round Apply.tla's single step "flip" is here; README.md maps  *)
(* each action to the function that does it.                               *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Frames,     \* frames that the plant sends
  Room,       \* entries of a ring, one of them reserved for SWITCH
  MaxPlans,   \* plans that are staged
  MaxStops,   \* SIGSTOPs
  MaxDeaths,  \* controllers that die by themselves
  MaxDrains,  \* drains that drain.within cuts short
  Bug         \* "none", or the name of one deliberate mistake

VARIABLES
  epoch, next,  \* the keeper's word, and the next number never used
  held,         \* the numbers that the word has held
  plan,         \* the plan in work: [at, from, e1, e2, old, new, got]
  active,       \* lane (and controller) of the committed or restored graph
  made,         \* plans staged so far
  prod,         \* the plant's producer endpoint: [lane, at, again]; again = frames to republish
  cons,         \* the plant's consumer endpoint: [lanes, at]
  skip,         \* lane -> the SWITCH up to which a lane that was left early is discarded, 0 for none
  ctl,          \* controller -> [st, in, inAt, out, outAt]
  stagedP,      \* transitions the plant holds
  stagedC,      \* controller -> transitions it holds
  stopped,      \* who is stopped
  sense, force, \* lane -> what its ring holds
  ended,        \* force lanes whose end the keeper has attested
  sent, got,    \* frames sent; frames handed to the plant's handler, in order
  gone, lost,   \* frames counted as superseded; frames counted as lost with a dead controller
  stops, deaths, drains, killed

net     == <<sense, force, sent, got, gone, lost>>
keepers == <<epoch, next, held, plan, active, made>>
vars == <<epoch, next, held, plan, active, made, prod, cons, skip, ctl, stagedP, stagedC, stopped, sense, force, ended,
          sent, got, gone, lost, stops, deaths, drains, killed>>

Lanes  == 0..MaxPlans          \* lane n and controller n belong to plan n; 0 is the base
NoPlan == [at |-> "idle"]
Plant  == 99                   \* among the numbers of the controllers

\* Entries of a ring: a frame is its id, SWITCH{e} is 100 + e.
SW(e)       == 100 + e
IsFrame(x)  == x < 100
FramesIn(s) == {s[i] : i \in {j \in DOMAIN s : IsFrame(s[j])}}

Transition(f, t, s, d) == [from |-> f, to |-> t, src |-> s, dst |-> d]

(***************************************************************************)
(* What a driver has to perform: the chain of staged transitions that ends *)
(* at the epoch it sees, walked back from there. Not every staged number   *)
(* up to that epoch: an aborted plan leaves some that were never decided.  *)
(***************************************************************************)
RECURSIVE Back(_, _, _)
Back(st, e, n) == IF n > 0 /\ \E t \in st : t.to = e
                  THEN LET t == CHOOSE t \in st : t.to = e IN Append(Back(st, t.from, n - 1), t)
                  ELSE <<>>
Pending(st, at) ==
  IF Bug \in {"allStaged", "early"}
  THEN LET due == {t \in st : t.to > at /\ (t.to <= epoch \/ Bug = "early")}
       IN IF due = {} THEN <<>> ELSE <<CHOOSE t \in due : \A u \in due : t.to <= u.to>>
  ELSE LET later(t) == t.to > at IN SelectSeq(Back(st, epoch, 6), later)
Due(st, at)  == Pending(st, at) # <<>>
NextT(st, at) == Head(Pending(st, at))

\* With nothing staged for it, a driver is where it was: at its own epoch, and that is current.
InStep(st, at) == ~Due(st, at)

CtlUp(i)     == ctl[i].st = "up" /\ i \notin stopped
PlantUp      == Plant \notin stopped
CtlAcked(i, e)  == ctl[i].inAt = e /\ ctl[i].outAt = e
PlantAcked(e)   == prod.at = e /\ cons.at = e

Init ==
  /\ epoch = 0 /\ next = 1 /\ held = {0} /\ plan = NoPlan /\ active = 0 /\ made = 0
  /\ prod = [lane |-> 0, at |-> 0, again |-> <<>>]
  /\ cons = [lanes |-> {0}, at |-> 0]
  /\ skip = [i \in Lanes |-> 0]
  /\ ctl = [i \in Lanes |-> [st |-> IF i = 0 THEN "up" ELSE "off", in |-> i = 0, inAt |-> 0, out |-> i = 0, outAt |-> 0]]
  /\ stagedP = {} /\ stagedC = [i \in Lanes |-> {}] /\ stopped = {}
  /\ sense = [i \in Lanes |-> <<>>] /\ force = [i \in Lanes |-> <<>>] /\ ended = {}
  /\ sent = 0 /\ got = <<>> /\ gone = {} /\ lost = {} /\ stops = 0 /\ deaths = 0 /\ drains = 0 /\ killed = FALSE

(***************************************************************************)
(* Panel and keeper.                                                       *)
(***************************************************************************)
\* Prepare: two numbers are consumed, whatever comes of the plan. The new controller starts parked.
Stage ==
  /\ plan = NoPlan /\ made < MaxPlans
  /\ made' = made + 1
  /\ plan' = [at |-> "staging", from |-> epoch, e1 |-> next, e2 |-> next + 1, old |-> active, new |-> made + 1, got |-> {}]
  /\ next' = next + 2
  /\ ctl' = [ctl EXCEPT ![made + 1] = [st |-> "up", in |-> FALSE, inAt |-> epoch, out |-> FALSE, outAt |-> epoch]]
  /\ UNCHANGED <<epoch, held, active, prod, cons, skip, stagedP, stagedC, stopped, net, ended, stops, deaths, drains, killed>>

Both == {Transition(plan.from, plan.e1, plan.old, plan.new), Transition(plan.e1, plan.e2, plan.new, plan.old)}
\* A number that a driver holds already is a redelivery, and changes nothing.
Take(st) == st \cup {t \in Both : ~\E u \in st : u.to = t.to}

\* The kit's control thread takes a stage. That it has performed everything before is an invariant: InStepWhenStaged.
PlantTakes ==
  /\ plan.at = "staging" /\ Plant \notin plan.got /\ PlantUp
  /\ stagedP' = Take(stagedP) /\ plan' = [plan EXCEPT !.got = @ \cup {Plant}]
  /\ UNCHANGED <<epoch, next, held, active, made, prod, cons, skip, ctl, stagedC, stopped, net, ended, stops, deaths, drains, killed>>
CtlTakes(i) ==
  /\ plan.at = "staging" /\ i \in {plan.old, plan.new} /\ i \notin plan.got /\ CtlUp(i)
  /\ stagedC' = [stagedC EXCEPT ![i] = Take(@)] /\ plan' = [plan EXCEPT !.got = @ \cup {i}]
  /\ UNCHANGED <<epoch, next, held, active, made, prod, cons, skip, ctl, stagedP, stopped, net, ended, stops, deaths, drains, killed>>

Concerned == {Plant, plan.new} \cup (IF ctl[plan.old].st = "dead" THEN {} ELSE {plan.old})

\* The rings of lane i go. What they still hold must have been counted, or is counted here.
Free(i) ==
  /\ gone' = gone \cup (IF skip[i] # 0 THEN FramesIn(force[i]) ELSE {})
  /\ lost' = lost \cup (IF ctl[i].st = "dead" THEN FramesIn(sense[i]) ELSE {})
                  \cup (IF Bug = "countAndGo" THEN FramesIn(sense[i]) \cup FramesIn(force[i]) ELSE {})
  /\ sense' = [sense EXCEPT ![i] = <<>>] /\ force' = [force EXCEPT ![i] = <<>>]
  /\ skip' = [skip EXCEPT ![i] = 0]
  /\ ctl' = [ctl EXCEPT ![i].st = "off"]
  /\ stopped' = stopped \ {i}

\* Before the flip: a driver does not answer, or somebody gives up. Its staged numbers stay with the drivers, undecided.
Abort ==
  /\ plan.at = "staging"
  /\ plan' = NoPlan
  /\ next' = (IF Bug = "reuseEpoch" THEN plan.e1 ELSE next)
  /\ Free(plan.new)
  /\ UNCHANGED <<epoch, held, active, made, prod, cons, stagedP, stagedC, ended, sent, got, stops, deaths, drains, killed>>

\* The decision: CAS(from -> e1).
Flip ==
  /\ plan.at = "staging" /\ epoch = plan.from /\ Concerned \subseteq plan.got
  /\ epoch' = plan.e1 /\ held' = held \cup {plan.e1} /\ plan' = [plan EXCEPT !.at = "flipped"]
  /\ UNCHANGED <<next, active, made, prod, cons, skip, ctl, stagedP, stagedC, stopped, net, ended, stops, deaths, drains, killed>>

\* Verify holds and C is written: only the drivers that were staged are asked, and a dead one's end is attested.
Commit ==
  /\ plan.at = "flipped"
  /\ \/ Bug \in {"commitWithoutAck", "countAndGo"}
     \/ /\ PlantAcked(plan.e1) /\ ctl[plan.new].st = "up" /\ CtlAcked(plan.new, plan.e1)
        /\ CtlAcked(plan.old, plan.e1) \/ ctl[plan.old].st = "dead"
  /\ active' = plan.new /\ plan' = NoPlan
  /\ Free(plan.old)
  /\ UNCHANGED <<epoch, next, held, made, prod, cons, stagedP, stagedC, ended, sent, got, stops, deaths, drains, killed>>

\* The deadline passes: CAS(e1 -> e2), a forward flip back onto the old lanes.
Undo ==
  /\ plan.at = "flipped"
  /\ epoch' = plan.e2 /\ held' = held \cup {plan.e2} /\ plan' = [plan EXCEPT !.at = "undone"]
  /\ UNCHANGED <<next, active, made, prod, cons, skip, ctl, stagedP, stagedC, stopped, net, ended, stops, deaths, drains, killed>>

\* The rollback's own deadline: it alone may kill, and only controllers of the plan.
Kill(i) ==
  /\ plan.at = "undone" /\ i \in {plan.old, plan.new} /\ ctl[i].st = "up" /\ ~CtlAcked(i, plan.e2)
  /\ ctl' = [ctl EXCEPT ![i].st = "dead"] /\ killed' = TRUE
  /\ UNCHANGED <<epoch, next, held, plan, active, made, prod, cons, skip, stagedP, stagedC, stopped, net, ended, stops, deaths, drains>>

\* R is written; what the plan brought is ended, after its drivers have emptied what they held.
Settle ==
  /\ plan.at = "undone"
  /\ \/ Bug = "settleWithoutAck"
     \/ /\ PlantAcked(plan.e2)
        /\ \A i \in {plan.old, plan.new} \ (IF Bug = "endNewAtOnce" THEN {plan.new} ELSE {}) :
             CtlAcked(i, plan.e2) \/ ctl[i].st = "dead"
  /\ plan' = NoPlan
  /\ Free(plan.new)
  /\ UNCHANGED <<epoch, next, held, active, made, prod, cons, stagedP, stagedC, ended, sent, got, stops, deaths, drains, killed>>

\* The first process of a cell is gone: nobody writes this lane any more, and the keeper's page says so.
Attest(i) ==
  /\ i \notin ended /\ Bug # "neverAttest" /\ (ctl[i].st = "dead" \/ (Bug = "attestStopped" /\ i \in stopped))
  /\ ended' = ended \cup {i}
  /\ UNCHANGED <<keepers, prod, cons, skip, ctl, stagedP, stagedC, stopped, net, stops, deaths, drains, killed>>

(***************************************************************************)
(* The plant's producer endpoint.                                          *)
(***************************************************************************)
FrameRoom(s) == Len(s) < (IF Bug = "noReserve" THEN Room ELSE Room - 1)
SwitchRoom(s) == Len(s) < Room

Send ==
  /\ PlantUp /\ prod.again = <<>> /\ sent < Frames /\ FrameRoom(sense[prod.lane])
  /\ sent' = sent + 1 /\ sense' = [sense EXCEPT ![prod.lane] = Append(@, sent + 1)]
  /\ UNCHANGED <<keepers, prod, cons, skip, ctl, stagedP, stagedC, stopped, force, ended, got, gone, lost, stops, deaths, drains, killed>>

Republish ==
  /\ PlantUp /\ prod.again # <<>> /\ FrameRoom(sense[prod.lane])
  /\ sense' = [sense EXCEPT ![prod.lane] = Append(@, Head(prod.again))]
  /\ prod' = [prod EXCEPT !.again = Tail(@)]
  /\ UNCHANGED <<keepers, cons, skip, ctl, stagedP, stagedC, stopped, force, ended, sent, got, gone, lost, stops, deaths, drains, killed>>

\* Frames behind the last SWITCH of a ring; those before it are older than what went another way since.
RECURSIVE AfterSwitch(_)
AfterSwitch(s) == IF \E j \in DOMAIN s : ~IsFrame(s[j]) THEN AfterSwitch(Tail(s)) ELSE s

\* Writes SWITCH and moves. The reader of the old lane is dead: what it did not credit goes out again, same ids, first.
ProducerMoves ==
  /\ PlantUp /\ Due(stagedP, prod.at)
  /\ LET t     == NextT(stagedP, prod.at)
         dead  == ctl[t.src].st = "dead"
         again == IF Bug = "republishAll" THEN SelectSeq(sense[t.src], IsFrame) ELSE AfterSwitch(sense[t.src])
     IN  IF dead
         THEN /\ sense' = [sense EXCEPT ![t.src] = <<>>]
              /\ prod' = [lane |-> t.dst, at |-> t.to, again |-> again \o prod.again]
              /\ lost' = lost \cup (FramesIn(sense[t.src]) \ {again[j] : j \in DOMAIN again})
         ELSE /\ SwitchRoom(sense[t.src])
              /\ sense' = [sense EXCEPT ![t.src] = Append(@, SW(t.to))]
              /\ prod' = [prod EXCEPT !.lane = t.dst, !.at = t.to]
              /\ UNCHANGED lost
  /\ UNCHANGED <<keepers, cons, skip, ctl, stagedP, stagedC, stopped, force, ended, sent, got, gone, stops, deaths, drains, killed>>

(***************************************************************************)
(* A controller: in -> out dependence, so its force lane ends only after   *)
(* its sense lane did and the handler returned.                            *)
(***************************************************************************)
\* Takes a frame, answers it, credits it.
Handle(i) ==
  /\ CtlUp(i) /\ ctl[i].in /\ (ctl[i].out \/ Bug = "outFirst") /\ sense[i] # <<>> /\ IsFrame(Head(sense[i])) /\ FrameRoom(force[i])
  /\ force' = [force EXCEPT ![i] = Append(@, Head(sense[i]))]
  /\ sense' = [sense EXCEPT ![i] = Tail(@)]
  /\ UNCHANGED <<keepers, prod, cons, skip, ctl, stagedP, stagedC, stopped, ended, sent, got, gone, lost, stops, deaths, drains, killed>>

\* Its force lane is over (OutCut), its sense lane isn't yet: an answer would come too late for anybody.
HandleLate(i) ==
  /\ CtlUp(i) /\ ctl[i].in /\ ctl[i].outAt > ctl[i].inAt /\ sense[i] # <<>> /\ IsFrame(Head(sense[i]))
  /\ gone' = gone \cup {Head(sense[i])} /\ sense' = [sense EXCEPT ![i] = Tail(@)]
  /\ UNCHANGED <<keepers, prod, cons, skip, ctl, stagedP, stagedC, stopped, force, ended, sent, got, lost, stops, deaths, drains, killed>>

\* Drains to the SWITCH of the transition it performs.
InMoves(i) ==
  /\ CtlUp(i) /\ (ctl[i].inAt <= ctl[i].outAt \/ Bug = "outFirst") /\ Due(stagedC[i], ctl[i].inAt)
  /\ LET t == NextT(stagedC[i], ctl[i].inAt)
     IN  IF t.src = i
         THEN /\ sense[i] # <<>> /\ Head(sense[i]) = SW(t.to)
              /\ sense' = [sense EXCEPT ![i] = Tail(@)]
              /\ ctl' = [ctl EXCEPT ![i].in = FALSE, ![i].inAt = t.to]
         ELSE /\ ctl' = [ctl EXCEPT ![i].in = TRUE, ![i].inAt = t.to] /\ UNCHANGED sense
  /\ UNCHANGED <<keepers, prod, cons, skip, stagedP, stagedC, stopped, force, ended, sent, got, gone, lost, stops, deaths, drains, killed>>

OutMoves(i) ==
  /\ CtlUp(i) /\ Due(stagedC[i], ctl[i].outAt)
  /\ LET t == NextT(stagedC[i], ctl[i].outAt)
     IN  /\ ctl[i].inAt = t.to \/ Bug = "outFirst" \/ (Bug = "reopenEarly" /\ t.dst = i)
         /\ IF t.src = i
            THEN /\ SwitchRoom(force[i])
                 /\ force' = [force EXCEPT ![i] = Append(@, SW(t.to))]
                 /\ ctl' = [ctl EXCEPT ![i].out = FALSE, ![i].outAt = t.to]
            ELSE /\ ctl' = [ctl EXCEPT ![i].out = TRUE, ![i].outAt = t.to] /\ UNCHANGED force
  /\ UNCHANGED <<keepers, prod, cons, skip, stagedP, stagedC, stopped, sense, ended, sent, got, gone, lost, stops, deaths, drains, killed>>

\* drain.within has passed on this side: the handler is slow, the force lane ends all the same.
OutCut(i) ==
  /\ CtlUp(i) /\ Due(stagedC[i], ctl[i].outAt) /\ drains < MaxDrains
  /\ LET t == NextT(stagedC[i], ctl[i].outAt)
     IN  /\ t.src = i /\ ctl[i].inAt # t.to /\ SwitchRoom(force[i])
         /\ force' = [force EXCEPT ![i] = Append(@, SW(t.to))]
         /\ ctl' = [ctl EXCEPT ![i].out = FALSE, ![i].outAt = t.to]
  /\ drains' = drains + 1
  /\ UNCHANGED <<keepers, prod, cons, skip, stagedP, stagedC, stopped, sense, ended, sent, got, gone, lost, stops, deaths, killed>>

(***************************************************************************)
(* The plant's consumer endpoint.                                          *)
(***************************************************************************)
LastGot == IF got = <<>> THEN 0 ELSE got[Len(got)]
Delivered(x) == IF x <= LastGot /\ Bug # "noDedupe" THEN got ELSE Append(got, x)

Receive ==
  /\ PlantUp
  /\ \E i \in cons.lanes :
       /\ force[i] # <<>> /\ IsFrame(Head(force[i]))
       /\ force' = [force EXCEPT ![i] = Tail(@)]
       /\ IF skip[i] # 0 /\ Bug # "noSkip"
          THEN gone' = gone \cup {Head(force[i])} /\ UNCHANGED got
          ELSE got' = Delivered(Head(force[i])) /\ UNCHANGED gone
  /\ UNCHANGED <<keepers, prod, cons, skip, ctl, stagedP, stagedC, stopped, sense, ended, sent, lost, stops, deaths, drains, killed>>

\* A SWITCH that is not the one being performed belongs to a drain that was cut short: over it, and on.
SkipSwitch ==
  /\ PlantUp /\ Bug # "noSkip"
  /\ \E i \in Lanes :
       /\ i \in cons.lanes \/ (skip[i] # 0 /\ Bug # "noDiscard")
       /\ skip[i] # 0 /\ force[i] # <<>> /\ ~IsFrame(Head(force[i])) /\ Head(force[i]) <= SW(skip[i])
       /\ force' = [force EXCEPT ![i] = Tail(@)]
       /\ skip' = [skip EXCEPT ![i] = IF Head(force[i]) = SW(@) THEN 0 ELSE @]
  /\ UNCHANGED <<keepers, prod, cons, ctl, stagedP, stagedC, stopped, sense, ended, sent, got, gone, lost, stops, deaths, drains, killed>>

\* A lane that was left early is credited all the same, else its producer blocks and never comes to its SWITCH.
Discard ==
  /\ PlantUp /\ Bug # "noDiscard"
  /\ \E i \in Lanes \ cons.lanes :
       /\ skip[i] # 0 /\ force[i] # <<>> /\ IsFrame(Head(force[i]))
       /\ force' = [force EXCEPT ![i] = Tail(@)] /\ gone' = gone \cup {Head(force[i])}
  /\ UNCHANGED <<keepers, prod, cons, skip, ctl, stagedP, stagedC, stopped, sense, ended, sent, got, lost, stops, deaths, drains, killed>>

\* Drained to the SWITCH, or to an end that the keeper attests: then moves.
ConsumerMoves ==
  /\ PlantUp /\ Due(stagedP, cons.at)
  /\ LET t == NextT(stagedP, cons.at)
         i == t.src
         moved == [lanes |-> IF Bug = "readBoth" THEN cons.lanes \cup {t.dst} ELSE {t.dst}, at |-> t.to]
     IN  \/ /\ force[i] # <<>> /\ Head(force[i]) = SW(t.to) /\ skip[i] = 0
            /\ force' = [force EXCEPT ![i] = Tail(@)] /\ cons' = moved
         \/ /\ force[i] = <<>> /\ i \in ended
            /\ cons' = moved /\ UNCHANGED force
         \/ /\ Bug \in {"skipDrain", "readBoth"} /\ cons' = moved /\ UNCHANGED force
  /\ UNCHANGED <<keepers, prod, skip, ctl, stagedP, stagedC, stopped, sense, ended, sent, got, gone, lost, stops, deaths, drains, killed>>

\* drain.within has passed: what is left of the lane, and what still comes up to its SWITCH, is superseded.
DrainCut ==
  /\ PlantUp /\ Due(stagedP, cons.at) /\ drains < MaxDrains
  /\ LET t == NextT(stagedP, cons.at)
     IN  /\ cons' = [lanes |-> {t.dst}, at |-> t.to]
         /\ skip' = [skip EXCEPT ![t.src] = t.to]
  /\ drains' = drains + 1
  /\ UNCHANGED <<keepers, prod, ctl, stagedP, stagedC, stopped, net, ended, stops, deaths, killed>>

(***************************************************************************)
(* Stops and deaths.                                                       *)
(***************************************************************************)
Stop == /\ stops < MaxStops /\ stops' = stops + 1
        /\ \E d \in {Plant} \cup {i \in Lanes : ctl[i].st = "up"} : d \notin stopped /\ stopped' = stopped \cup {d}
        /\ UNCHANGED <<keepers, prod, cons, skip, ctl, stagedP, stagedC, net, ended, deaths, drains, killed>>
Cont == /\ \E d \in stopped : stopped' = stopped \ {d}
        /\ UNCHANGED <<keepers, prod, cons, skip, ctl, stagedP, stagedC, net, ended, stops, deaths, drains, killed>>

\* It may have answered a frame that it has not credited.
Die(i) == /\ deaths < MaxDeaths /\ deaths' = deaths + 1 /\ ctl[i].st = "up"
          /\ ctl' = [ctl EXCEPT ![i].st = "dead"]
          /\ \/ UNCHANGED force
             \/ /\ CtlUp(i) /\ ctl[i].in /\ ctl[i].out /\ sense[i] # <<>> /\ IsFrame(Head(sense[i])) /\ FrameRoom(force[i])
                /\ force' = [force EXCEPT ![i] = Append(@, Head(sense[i]))]
          /\ UNCHANGED <<keepers, prod, cons, skip, stagedP, stagedC, stopped, sense, ended, sent, got, gone, lost, stops, drains, killed>>

(***************************************************************************)
System ==
  \/ PlantTakes \/ Abort \/ Flip \/ Commit \/ Undo \/ Settle
  \/ Send \/ Republish \/ ProducerMoves \/ Receive \/ SkipSwitch \/ Discard \/ ConsumerMoves \/ Cont
  \/ \E i \in Lanes : CtlTakes(i) \/ Kill(i) \/ Attest(i) \/ Handle(i) \/ HandleLate(i) \/ InMoves(i) \/ OutMoves(i)
Next == System \/ Stage \/ Stop \/ DrainCut \/ \E i \in Lanes : Die(i) \/ OutCut(i)

Spec     == Init /\ [][Next]_vars
FairSpec == Spec /\ WF_vars(System)

(***************************************************************************)
(* What must hold.                                                         *)
(***************************************************************************)
\* In order, none twice.
InOrder == \A i \in 1..(Len(got) - 1) : got[i] < got[i + 1]
\* Each frame is delivered, on its way, or counted.
OnTheWay == UNION {FramesIn(sense[i]) \cup FramesIn(force[i]) : i \in Lanes}
              \cup {prod.again[j] : j \in DOMAIN prod.again}
Accounted == 1..sent \subseteq {got[i] : i \in DOMAIN got} \cup OnTheWay \cup gone \cup lost
\* Between live drivers nothing is lost; what a cut drain leaves is the only thing superseded.
NothingLost == (drains = 0 => gone = {}) /\ (deaths = 0 /\ ~killed => lost = {})
OneLaneRead == Cardinality(cons.lanes) <= 1
\* The one reserved entry is enough: whoever has to write a SWITCH on a live lane can.
SwitchHasRoom == \A i \in Lanes :
  /\ PlantUp /\ Due(stagedP, prod.at) /\ NextT(stagedP, prod.at).src = i /\ ctl[i].st # "dead" => SwitchRoom(sense[i])
\* While all of a plan's drivers live and run, no deadline is needed: somebody can go on until all have answered.
DriverStep ==
  \/ PlantTakes \/ Send \/ Republish \/ ProducerMoves \/ Receive \/ SkipSwitch \/ Discard \/ ConsumerMoves
  \/ \E i \in Lanes : CtlTakes(i) \/ Attest(i) \/ Handle(i) \/ HandleLate(i) \/ InMoves(i) \/ OutMoves(i)
NobodyBlocked ==
  plan # NoPlan /\ stopped = {} /\ ctl[plan.new].st = "up" =>
    \/ ENABLED DriverStep
    \/ CASE plan.at = "staging" -> Concerned \subseteq plan.got
         [] plan.at = "flipped" -> /\ PlantAcked(plan.e1) /\ CtlAcked(plan.new, plan.e1)
                                   /\ CtlAcked(plan.old, plan.e1) \/ ctl[plan.old].st = "dead"
         [] plan.at = "undone"  -> /\ PlantAcked(plan.e2)
                                   /\ \A i \in {plan.old, plan.new} : CtlAcked(i, plan.e2) \/ ctl[i].st = "dead"
\* A plan is staged only on drivers that performed all of the plans before: a rollback waits for that, or kills.
InStepWhenStaged == plan.at = "staging" =>
  /\ InStep(stagedP, prod.at) /\ InStep(stagedP, cons.at)
  /\ \A i \in {plan.old, plan.new} : ctl[i].st = "up" => InStep(stagedC[i], ctl[i].inAt) /\ InStep(stagedC[i], ctl[i].outAt)
\* A number is given out once: two transitions to one epoch are the same transition.
EpochNotReused ==
  LET all == stagedP \cup UNION {stagedC[i] : i \in Lanes} \cup (IF plan = NoPlan THEN {} ELSE Both)
  IN  \A t, u \in all : t.to = u.to => t = u
\* What a driver performed was decided: the word has held it.
OnlyDecided == {prod.at, cons.at} \cup {ctl[i].inAt : i \in Lanes} \cup {ctl[i].outAt : i \in Lanes} \subseteq held
\* When nothing is in work, the living agree on the active lane.
AgreeAtRest == plan = NoPlan => /\ prod.lane = active /\ cons.lanes = {active}
                                /\ ctl[active].st = "up" => ctl[active].in /\ ctl[active].out
                                /\ \A i \in Lanes \ {active} : ctl[i].st = "off"

\* Every plan comes to its end, and every frame to its own.
PlanEnds   == plan # NoPlan ~> plan = NoPlan
AllArrive  == <>[]((sent = Frames /\ OnTheWay = {}) \/ ctl[active].st = "dead")

(***************************************************************************)
(* Witnesses: wrong on purpose. The driver without a staged binding is at  *)
(* epoch 0 for ever, and nobody asks it.                                   *)
(***************************************************************************)
IdleAt         == 0
NeverSwitched  == ~(plan = NoPlan /\ active = 2 /\ Len(got) = Frames /\ IdleAt < epoch)
NeverUndone    == ~(plan = NoPlan /\ active = 0 /\ epoch > 1 /\ Len(got) = Frames /\ deaths = 0)
NeverAborted   == ~(plan = NoPlan /\ active = 2 /\ epoch = 3 /\ made = 2)
NeverTwoBehind == ~(\E i \in Lanes : Len(Pending(stagedC[i], ctl[i].inAt)) > 1 /\ ctl[i].st = "up")
NeverSuperseded == gone = {}
NeverRepublished == prod.again = <<>>
=============================================================================
