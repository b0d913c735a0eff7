/** Prepare: new drivers started and parked, regions made, mapped, sealed and handed out. Nothing visible has changed after it. */
import { type Issue, issue } from "../errors.ts";
import { isOfALane, type KeeperEvent } from "../keeper.ts";
import type { Instance } from "../model/names.ts";
import { decide } from "./commit.ts";
import { waitedFor } from "./facts.ts";
import { refusedBy } from "./look.ts";
import type { Job, Phase } from "./state.ts";
import type { Turn } from "./turn.ts";
import type { ApplyEvent, Prepared } from "./types.ts";
import { fail } from "./undo.ts";

type Starting = Extract<Phase, { kind: "starting" }>;
type Barrier = Extract<Phase, { kind: "staging" | "sealing" }>;

/** Starts the target's new drivers, in order; they park before they do anything. */
export function start(turn: Turn, job: Job): void {
  const prepared = preparedOf(job);
  const { spawn, transition } = prepared;
  const cells = { ...turn.machine.cells };
  const numbers = { ...turn.machine.numbers };
  for (const { instance, tokens, stopWithinNs } of spawn) {
    cells[instance] = { tokens, stopWithinNs };
    const [driver = "", number = "0"] = instance.split(".");
    numbers[driver] = Math.max(numbers[driver] ?? 0, Number(number));
  }
  turn.set({ cells, numbers, lastEpoch: transition.inverse });
  const timer = turn.timer(turn.machine.prepareWithinNs);
  if (spawn.length > 0) turn.progress(job, "start", names(spawn.map((each) => each.instance)));
  for (const cell of spawn) turn.ask({ kind: "spawn", cell }, job);
  const waiting = spawn.map((each) => each.instance);
  if (waiting.length > 0) turn.go({ kind: "starting", job, waiting, timer });
  else stage(turn, job, timer);
}

export function onStarting(turn: Turn, phase: Starting, event: ApplyEvent): void {
  const { job, waiting, timer } = phase;
  switch (event.kind) {
    case "keeper": {
      const stopped = stopsPrepare(job, event.event);
      if (stopped) return giveUp(turn, phase, stopped);
      if (event.event.kind !== "parked") return;
      const { instance } = event.event;
      const left = waiting.filter((each) => each !== instance);
      if (left.length === 0) return stage(turn, job, timer);
      return turn.go({ ...phase, waiting: left });
    }
    case "refused":
      return giveUp(turn, phase, { issue: refusedBy(event.to, event.message), culprits: [] });
    case "deadline":
      if (event.timer !== timer) return;
      return giveUp(turn, phase, {
        issue: late("has not opened all of its endpoints", waiting, turn),
        culprits: waiting,
      });
    case "replied":
    case "reserved":
    case "begin":
    case "attached":
    case "synced":
    case "syncFailed":
      return;
  }
}

function stage(turn: Turn, before: Job, timer: number): void {
  const job: Job = { ...before, reached: "staged" };
  const { transition } = preparedOf(job);
  turn.progress(job, "stage", `${transition.regions.length} regions, ${transition.bindings.length} drivers`);
  turn.ask({ kind: "stage", transition }, job);
  turn.go({ kind: "staging", job, waiting: mustAnswer(turn, job), answered: false, timer });
}

function seal(turn: Turn, phase: Barrier): void {
  const { job, timer } = phase;
  turn.progress(job, "seal", "all regions are mapped by their writers");
  turn.ask({ kind: "seal", transition: preparedOf(job).transition.id }, job);
  turn.go({ kind: "sealing", job, waiting: mustAnswer(turn, job), answered: false, timer });
}

/** Both barriers: the keeper's answer, and one event of each driver that has to take part. */
export function onBarrier(turn: Turn, phase: Barrier, event: ApplyEvent): void {
  const { job, timer } = phase;
  const isStaging = phase.kind === "staging";
  switch (event.kind) {
    case "replied":
      return event.to === (isStaging ? "stage" : "seal") ? passed(turn, { ...phase, answered: true }) : undefined;
    case "keeper": {
      const stopped = stopsPrepare(job, event.event);
      if (stopped) return giveUp(turn, phase, stopped);
      const heard = event.event;
      if (heard.kind !== (isStaging ? "mapped" : "ready") || heard.transition !== preparedOf(job).transition.id) return;
      return passed(turn, { ...phase, waiting: phase.waiting.filter((each) => each !== heard.instance) });
    }
    case "refused":
      return giveUp(turn, phase, { issue: refusedBy(event.to, event.message), culprits: [] });
    case "deadline": {
      if (event.timer !== timer) return;
      const what = isStaging ? "has not mapped its regions" : "is not ready to flip";
      return giveUp(turn, phase, { issue: late(what, phase.waiting, turn), culprits: phase.waiting });
    }
    case "reserved":
    case "begin":
    case "attached":
    case "synced":
    case "syncFailed":
      return;
  }
}

function passed(turn: Turn, phase: Barrier): void {
  turn.go(phase);
  if (!phase.answered || phase.waiting.length > 0) return;
  if (phase.kind === "staging") return seal(turn, phase);
  turn.cancel(phase.timer);
  decide(turn, phase.job);
}

function mustAnswer(turn: Turn, job: Job): readonly Instance[] {
  return waitedFor(turn.machine.facts, preparedOf(job).transition.bindings).map((each) => each.instance);
}

interface Stopped {
  readonly issue: Issue;
  readonly culprits: readonly Instance[];
}

function giveUp(turn: Turn, phase: Starting | Barrier, { issue, culprits }: Stopped): void {
  turn.cancel(phase.timer);
  fail(turn, phase.job, issue, culprits);
}

/** A driver that the job needs has ended or says that it can't. What it reports of a lane ends nothing. */
export function stopsPrepare(job: Job, event: KeeperEvent): Stopped | undefined {
  if (event.kind === "exited" && needs(job, event.instance)) {
    return { issue: exited(event.instance, event.exit), culprits: [event.instance] };
  }
  if (event.kind === "failed" && !isOfALane(event.code) && needs(job, event.instance)) {
    const why = `driver \`${event.instance}\` failed: ${event.message} (${event.code})`;
    const what = issue("driver.failed", `cannot go on because ${why}`, "see `rtt logs` of the driver");
    return { issue: what, culprits: [event.instance] };
  }
  return undefined;
}

/** A plan needs all of its drivers; a move only those whose bindings it changes. */
export function needs(job: Job, instance: Instance): boolean {
  const { prepared, target } = job;
  if (!prepared || !target) return false;
  const binding = prepared.transition.bindings.find((each) => each.instance === instance);
  if (binding) return binding.mustAcknowledge;
  return target.record.kind === "C"
    ? Object.values(prepared.serving).includes(instance)
    : prepared.spawn.some((each) => each.instance === instance);
}

export function preparedOf(job: Job): Prepared {
  if (!job.prepared) throw new Error("bug: the job has prepared nothing");
  return job.prepared;
}

export function exited(instance: Instance, exit: number): Issue {
  const how = exit < 0 ? `signal ${-exit}` : `code ${exit}`;
  const why = `driver \`${instance}\` exited with ${how}`;
  return issue("driver.exited", `cannot go on because ${why}`, "see `rtt logs` of the driver");
}

export function late(what: string, waiting: readonly Instance[], turn: Turn): Issue {
  const ms = Math.round(turn.machine.prepareWithinNs / NS_PER_MS);
  const why = `${names(waiting)} ${what} within ${ms} ms`;
  return issue("driver.late", `cannot go on because ${why}`, "see `rtt logs` of the driver, or raise `prepareWithin`");
}

const NS_PER_MS = 1_000_000;
const NAMES_SHOWN = 8;

export function names(instances: readonly string[]): string {
  const shown = instances.slice(0, NAMES_SHOWN).join(", ");
  return instances.length > NAMES_SHOWN ? `${shown} and ${instances.length - NAMES_SHOWN} more` : shown;
}
