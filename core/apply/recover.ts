/**
 * A panel and a keeper meet: after the start of either, the log is the truth and the keeper's inventory is the fact. An open
 * decision is undone first, and closed by R only then; with nothing alive there is nothing to undo. Everything else is a
 * repair: untold moves are logged, leftovers are ended, and what is missing is started.
 */
import { type Issue, issue } from "../errors.ts";
import type { Inventory } from "../keeper.ts";
import { highest } from "./committed.ts";
import { keeperLost, look } from "./look.ts";
import { nextJob } from "./jobs.ts";
import { type Job, type Machine, NO_FACTS, type Phase } from "./state.ts";
import { freeze, type Turn } from "./turn.ts";
import type { ApplyEvent, Outcome } from "./types.ts";
import { awaitReturn, undo, undone } from "./undo.ts";
import { unsynced } from "./commit.ts";

export function attach(turn: Turn, inventory: Inventory): void {
  if (turn.machine.phase.kind === "frozen") return;
  if (turn.machine.phase.kind !== "detached") detach(turn, "another keeper was attached");
  const { numbers, lastEpoch } = turn.machine;
  turn.set({
    facts: inventory,
    asked: [],
    numbers: highest(numbers, inventory.instances.map((each) => each.instance)),
    lastEpoch: Math.max(lastEpoch, inventory.lastEpoch, inventory.epoch),
  });
  const job = turn.job(0, { kind: "recover" });
  turn.progress(job, "recover", `${inventory.instances.length} instances, epoch ${inventory.epoch}`);
  recover(turn, job);
}

function recover(turn: Turn, job: Job): void {
  const { open, facts } = turn.machine;
  if (open?.body.kind !== "D") return look(turn, job);
  const { forward, inverse } = open.body;
  // Cold: nobody is alive, so that nobody has to go back.
  if (facts.instances.every((each) => each.state === "exited")) return undone(turn, job);
  const transition = facts.transitions.find((each) => each.id === forward);
  const staged = transition ?? { id: forward, from: 0, forward, inverse, regions: [], bindings: [] };
  if (facts.epoch === forward) return undo(turn, job, staged, true);
  if (facts.epoch === inverse) return awaitReturn(turn, job, staged);
  if (transition) return undo(turn, job, transition, false);
  undone(turn, job);
}

/** The keeper is gone. Who asked for something that is in the log already hears of it when recovery has decided it. */
export function detach(turn: Turn, why: string): void {
  const { phase, facts, lastEpoch } = turn.machine;
  if (phase.kind === "frozen" || phase.kind === "detached") return;
  if ("timer" in phase) turn.cancel(phase.timer);
  const job = "job" in phase ? phase.job : null;
  if (job && job.id > 0 && !answered(phase)) {
    if (outlives(turn.machine, phase, job)) turn.set({ pending: { ...job, issues: [...job.issues, keeperLost(why)] } });
    else turn.end(job.id, { kind: "rolledBack", issues: [...job.issues, keeperLost(why)] });
  }
  if (turn.machine.unrecovered !== null) turn.cancel(turn.machine.unrecovered);
  turn.set({
    unrecovered: null,
    facts: NO_FACTS,
    asked: [],
    cells: {},
    lastEpoch: Math.max(lastEpoch, facts.lastEpoch, facts.epoch),
  });
  turn.go({ kind: "detached" });
}

/** Success was said already. */
function answered(phase: Phase): boolean {
  return phase.kind === "cleaning" && phase.then === "done";
}

/** It has left a trace in the log or in the graph: recovery decides how it ends. */
function outlives({ open }: Machine, phase: Phase, job: Job): boolean {
  const logs = phase.kind === "deciding" || phase.kind === "committing" || phase.kind === "retracting";
  return open !== null || logs || (job.work.kind === "move" && job.reached !== "nothing");
}

/** How an act ends whose panel ends under it: with a trace of it in the log, recovery has the last word. */
export function cutShort(machine: Machine, id: number): Outcome {
  const { phase, pending } = machine;
  const job = "job" in phase ? phase.job : null;
  const traced = job?.id === id ? outlives(machine, phase, job) : pending?.id === id;
  return { kind: traced ? "inDoubt" : "rolledBack", issues: [panelEnded(traced)] };
}

function panelEnded(traced: boolean): Issue {
  const remedy = traced
    ? "`rtt serve` decides it; then look at `rtt history`"
    : "start a panel with `rtt serve`; ask again";
  return issue("panel.ended", "cannot go on because the panel ends", remedy);
}

export function onDetached(turn: Turn, event: ApplyEvent): void {
  switch (event.kind) {
    case "synced":
      if (event.record.body.kind === "C") commitOfPending(turn);
      return;
    case "syncFailed": {
      const { pending } = turn.machine;
      if (pending && event.record.body.kind === "D") {
        turn.end(pending.id, { kind: "rolledBack", issues: [unsynced("decision", event.why)] });
        turn.set({ pending: null });
      }
      return freeze(turn, "its log could not be synced");
    }
    case "begin":
    case "attached":
    case "keeper":
    case "replied":
    case "refused":
    case "reserved":
    case "deadline":
      return;
  }
}

function commitOfPending(turn: Turn): void {
  const { pending, committed } = turn.machine;
  if (!pending) return;
  turn.end(pending.id, { kind: "committed", plan: committed.plan, serial: committed.serial, changed: true });
  turn.set({ pending: null });
}

export function onAdopting(turn: Turn, { job }: Extract<Phase, { kind: "adopting" }>, event: ApplyEvent): void {
  switch (event.kind) {
    case "synced":
      return look(turn, job);
    case "syncFailed":
      turn.end(job.id, { kind: "inDoubt", issues: [unsynced("move", event.why)] });
      return freeze(turn, "its log could not be synced");
    case "begin":
    case "attached":
    case "keeper":
    case "replied":
    case "refused":
    case "reserved":
    case "deadline":
      return;
  }
}

export function onIdle(turn: Turn, event: ApplyEvent): void {
  if (event.kind !== "deadline" || event.timer !== turn.machine.unrecovered) return nextJob(turn);
  turn.set({ unrecovered: null });
  look(turn, turn.job(0, { kind: "recover" }));
}
