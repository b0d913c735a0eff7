/** From D to C: decide, flip, verify by facts, commit. Success is said in one place, after the C record is synced. */
import { type Issue, issue } from "../errors.ts";
import type { Instance } from "../model/names.ts";
import { clean } from "./clean.ts";
import { instancesOf, movesAfter } from "./committed.ts";
import { unacknowledged } from "./facts.ts";
import { refusedBy } from "./look.ts";
import { exited, late, names, needs, preparedOf, stopsPrepare } from "./prepare.ts";
import type { Job, Machine, Phase, Target } from "./state.ts";
import { freeze, type Turn } from "./turn.ts";
import type { ApplyEvent, WalBody, WalRecord } from "./types.ts";
import { fail } from "./undo.ts";
import { verifyFacts } from "./verify.ts";
import { graphHash } from "../trust/plan_file.ts";
import { LIMITS } from "../limits.ts";

/** Plans are decided in the log before the flip; a move is permitted already, and is logged after it. */
export function decide(turn: Turn, job: Job): void {
  const { record } = targetOf(job);
  if (record.kind === "M") return flip(turn, job);
  const { transition, serving, exempt } = preparedOf(job);
  turn.progress(job, "decide", `serial ${record.serial}`);
  turn.go({ kind: "deciding", job });
  turn.log({
    kind: "D",
    act: record.act,
    plan: record.plan,
    serial: record.serial,
    forward: transition.forward,
    inverse: transition.inverse,
    instances: serving,
    exempt,
  });
}

export function onDeciding(turn: Turn, { job }: Extract<Phase, { kind: "deciding" }>, event: ApplyEvent): void {
  switch (event.kind) {
    case "synced":
      return event.record.body.kind === "D" ? flip(turn, job) : undefined;
    case "syncFailed":
      // Nothing was flipped. The log takes nothing more, so that what was prepared is left to recovery.
      turn.end(job.id, { kind: "rolledBack", issues: [unsynced("decision", event.why)] });
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

function flip(turn: Turn, job: Job): void {
  const { transition } = preparedOf(job);
  turn.progress(job, "flip", `epoch ${transition.from} to ${transition.forward}`);
  turn.go({ kind: "flipping", job });
  turn.ask({ kind: "flip", from: transition.from, to: transition.forward }, job);
}

export function onFlipping(turn: Turn, { job }: Extract<Phase, { kind: "flipping" }>, event: ApplyEvent): void {
  switch (event.kind) {
    case "replied":
      return event.to === "flip" ? flipped(turn, job) : undefined;
    case "refused":
      return fail(turn, job, refusedBy(event.to, event.message), []);
    case "begin":
    case "attached":
    case "keeper":
    case "reserved":
    case "synced":
    case "syncFailed":
    case "deadline":
      return;
  }
}

type Acknowledging = Extract<Phase, { kind: "acknowledging" }>;

/** Flipped: whoever has to acknowledge it is waited for, unless somebody who is needed has died meanwhile. */
function flipped(turn: Turn, before: Job): void {
  const job: Job = { ...before, reached: "flipped" };
  const { facts } = turn.machine;
  const dead = facts.instances.find((each) => each.state === "exited" && needs(job, each.instance));
  if (dead) return fail(turn, job, exited(dead.instance, dead.exit ?? 0), [dead.instance]);
  const { transition } = preparedOf(job);
  const timer = turn.timer(turn.machine.prepareWithinNs);
  const waiting = unacknowledged(facts, transition, transition.forward);
  acknowledged(turn, { kind: "acknowledging", job, waiting, timer });
}

function acknowledged(turn: Turn, phase: Acknowledging): void {
  turn.go(phase);
  const { job, waiting, timer } = phase;
  if (waiting.length > 0) return;
  turn.cancel(timer);
  turn.progress(job, "verify", "Observed against Desired, by the keeper's facts");
  turn.go({ kind: "verifying", job });
  turn.ask({ kind: "inventory" }, job);
}

export function onAcknowledging(turn: Turn, phase: Acknowledging, event: ApplyEvent): void {
  const { job, timer, waiting } = phase;
  switch (event.kind) {
    case "keeper": {
      const heard = event.event;
      const stopped = stopsPrepare(job, heard);
      if (stopped) {
        turn.cancel(timer);
        return fail(turn, job, stopped.issue, stopped.culprits);
      }
      const isGone = heard.kind === "exited";
      const isDone = heard.kind === "acknowledged" && heard.epoch >= preparedOf(job).transition.forward;
      if (!isGone && !isDone) return;
      return acknowledged(turn, { ...phase, waiting: waiting.filter((each) => each !== heard.instance) });
    }
    case "deadline":
      if (event.timer !== timer) return;
      return fail(turn, job, late("has not acknowledged the flip", waiting, turn), waiting);
    case "begin":
    case "attached":
    case "replied":
    case "refused":
    case "reserved":
    case "synced":
    case "syncFailed":
      return;
  }
}

export function onVerifying(turn: Turn, { job }: Extract<Phase, { kind: "verifying" }>, event: ApplyEvent): void {
  switch (event.kind) {
    case "replied": {
      if (event.to !== "inventory") return;
      const { issues, culprits } = verifyFacts(preparedOf(job), targetOf(job), turn.machine.facts);
      if (issues.length > 0) return fail(turn, job, differs(issues), culprits);
      return commit(turn, job);
    }
    case "refused":
      return fail(turn, job, refusedBy(event.to, event.message), []);
    case "keeper": {
      const stopped = stopsPrepare(job, event.event);
      return stopped ? fail(turn, job, stopped.issue, stopped.culprits) : undefined;
    }
    case "begin":
    case "attached":
    case "reserved":
    case "synced":
    case "syncFailed":
    case "deadline":
      return;
  }
}

function commit(turn: Turn, job: Job): void {
  if (targetOf(job).record.kind === "C" && !turn.machine.open) {
    turn.end(job.id, { kind: "inDoubt", issues: [unsynced("commit", "its decision is not in the log")] });
    return freeze(turn, "the log does not hold what was decided");
  }
  turn.progress(job, "commit", "Observed equals Desired");
  turn.go({ kind: "committing", job });
  turn.log(recordOf(turn.machine, job));
}

function recordOf({ open, serving }: Machine, job: Job): WalBody {
  const { record } = targetOf(job);
  const prepared = preparedOf(job);
  if (record.kind === "C") {
    if (!open) throw new Error("bug: a commit without its decision");
    return { kind: "C", decision: open.seq, plan: record.plan, serial: record.serial, signers: record.signers };
  }
  const changed = Object.entries(prepared.serving).filter(([driver, instance]) => serving[driver] !== instance);
  const { forward, inverse } = prepared.transition;
  const instances: Record<string, Instance> = Object.fromEntries(changed);
  return {
    kind: "M",
    move: record.move,
    forward,
    inverse,
    instances,
    why: record.why.slice(0, LIMITS.walWhy).toWellFormed(),
  };
}

export function onCommitting(turn: Turn, { job }: Extract<Phase, { kind: "committing" }>, event: ApplyEvent): void {
  switch (event.kind) {
    case "synced":
      return event.record.body.kind === "C" || event.record.body.kind === "M" ? committed(turn, job) : undefined;
    case "syncFailed":
      // Nobody knows whether the disk holds it. The inverse would make a commit that may be there a lie.
      turn.end(job.id, { kind: "inDoubt", issues: [unsynced("commit", event.why)] });
      return freeze(turn, "its log could not be synced, and the last commit is in doubt");
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

/** The record is on the disk: this is the only place where an act that changed something is said to have succeeded. */
export function committed(turn: Turn, job: Job): void {
  const { plan, serial } = turn.machine.committed;
  const isRepair = ["recover", "restore", "return"].includes(job.work.kind);
  if (isRepair || again(job)) return clean(turn, { ...job, changed: true }, "look");
  turn.end(job.id, { kind: "committed", plan, serial, changed: true });
  turn.progress(job, "settle", "old drivers end");
  clean(turn, job, "done");
}

/** The committed plan was applied again, and a repair is what it came to. */
function again({ work, target }: Job): boolean {
  return work.kind === "apply" && target?.record.kind === "M";
}

/** What a synced record changes in what is known, whatever the machine waits for. */
export function noteSynced(turn: Turn, record: WalRecord, job: Job | null): void {
  const { machine } = turn;
  const { body } = record;
  switch (body.kind) {
    case "D":
      return turn.set({ open: record, lastEpoch: Math.max(machine.lastEpoch, body.inverse) });
    case "R":
      return turn.set({ open: null });
    case "M": {
      const serving = { ...machine.serving, ...instancesOf(body) };
      const moves = movesAfter(machine.committed.moves, body.move);
      const down = Object.fromEntries(
        Object.entries(machine.down).filter(([driver]) => body.instances[driver] === undefined),
      );
      return turn.set({ serving, down, committed: { ...machine.committed, moves } });
    }
    case "C": {
      const target = job?.target?.record;
      if (target?.kind !== "C" || !machine.open) return;
      const graph = job?.target?.graph ?? machine.committed.graph;
      const serving = instancesOf(machine.open.body);
      turn.set({
        open: null,
        serving,
        ends: {},
        down: Object.fromEntries(Object.entries(machine.down).filter(([driver]) => staysDown(driver, graph, serving))),
        committed: {
          plan: target.plan,
          document: target.document,
          graph,
          graphHash: graphHash(graph, machine.tools.hasher),
          serial: target.serial,
          moves: [],
        },
      });
    }
  }
}

function staysDown(driver: string, graph: Target["graph"], serving: Readonly<Record<string, Instance>>): boolean {
  return serving[driver] === undefined && graph.drivers.some((each) => each.driver === driver);
}

export function targetOf(job: Job): Target {
  if (!job.target) throw new Error("bug: the job has no target");
  return job.target;
}

function differs(issues: readonly string[]): Issue {
  const why = `Observed is not Desired: ${names(issues)}`;
  return issue("apply.differs", `cannot commit because ${why}`, "see `rtt drift`");
}

export function unsynced(what: string, why: string): Issue {
  return issue(
    "wal.unsynced",
    `cannot log the ${what} because the disk refused it: ${why}`,
    "look at the disk; the panel restarts",
  );
}
