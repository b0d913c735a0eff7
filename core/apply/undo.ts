/**
 * A job that failed: before the flip it is forgotten, after it the inverse flip is made and waited for, and only then is its
 * decision closed by R. Only here may a driver be killed, and only one of the plan.
 */
import type { Issue } from "../errors.ts";
import type { Transition } from "../keeper.ts";
import { LIMITS } from "../limits.ts";
import { type DriverName, type Instance, splitInstance } from "../model/names.ts";
import { clean } from "./clean.ts";
import { unsynced } from "./commit.ts";
import { unacknowledged } from "./facts.ts";
import { deadDrivers } from "./jobs.ts";
import { finish, look } from "./look.ts";
import type { Job, Machine, Phase } from "./state.ts";
import { freeze, type Turn } from "./turn.ts";
import type { ApplyEvent } from "./types.ts";

export function fail(turn: Turn, before: Job, issue: Issue, culprits: readonly Instance[]): void {
  const drivers = culprits.flatMap((each): DriverName[] => {
    const driver = splitInstance(each)?.driver;
    return driver ? [driver] : [];
  });
  const givenUp = [...new Set([...before.givenUp, ...drivers])];
  const job: Job = { ...before, issues: [...before.issues, issue], givenUp, culprits };
  turn.progress(job, "undo", issue.message);
  const { prepared } = job;
  if (!prepared || job.reached === "nothing") return undone(turn, job);
  undo(turn, job, prepared.transition, job.reached === "flipped");
}

/** The inverse flip, or for what was never flipped the discard. */
export function undo(turn: Turn, job: Job, transition: Transition, flipped: boolean): void {
  turn.go({ kind: "undoing", job, transition, flipped });
  if (flipped) turn.ask({ kind: "flip", from: transition.forward, to: transition.inverse }, job);
  else turn.ask({ kind: "discard", transition: transition.id }, job);
}

export function onUndoing(turn: Turn, phase: Extract<Phase, { kind: "undoing" }>, event: ApplyEvent): void {
  const { job, transition, flipped } = phase;
  switch (event.kind) {
    case "replied":
      if (event.to === "discard" && !flipped) return undone(turn, job);
      if (event.to === "flip" && flipped) awaitReturn(turn, job, transition);
      return;
    case "refused": {
      // R before the undo would be a partial commit, so nothing is said and nothing is changed any more.
      turn.end(job.id, { kind: "inDoubt", issues: job.issues });
      return freeze(turn, `the keeper refused to undo: ${event.message}`);
    }
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

/** Waits until those who serve are back on their lanes. */
export function awaitReturn(turn: Turn, job: Job, transition: Transition): void {
  const timer = turn.timer(turn.machine.prepareWithinNs);
  returned(turn, { kind: "returning", job, transition, timer, killed: false });
}

type Returning = Extract<Phase, { kind: "returning" }>;

function returned(turn: Turn, phase: Returning): void {
  turn.go(phase);
  if (notReturned(turn.machine, phase).length > 0) return;
  turn.cancel(phase.timer);
  undone(turn, phase.job);
}

export function onReturning(turn: Turn, phase: Returning, event: ApplyEvent): void {
  switch (event.kind) {
    case "keeper":
      return returned(turn, phase);
    case "deadline": {
      if (event.timer !== phase.timer) return;
      if (phase.killed) return undone(turn, phase.job);
      for (const instance of notReturned(turn.machine, phase)) {
        turn.progress(phase.job, "undo", `${instance} did not go back and is killed`);
        turn.ask({ kind: "stop", instance, withinNs: 0 }, null);
      }
      // Their end is waited for too, so that they are found dead and started again.
      return turn.go({ ...phase, killed: true, timer: turn.timer(turn.machine.prepareWithinNs) });
    }
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

/**
 * Also new drivers, who are ended after it: what they have taken is handled first. Of those who made it fail only the ones
 * that go on serving are waited for.
 */
function notReturned({ facts, serving }: Machine, { job, transition }: Returning): readonly Instance[] {
  const stays = new Set<string>(Object.values(serving));
  return unacknowledged(facts, transition, transition.inverse)
    .filter((each) => stays.has(each) || !job.culprits.includes(each));
}

/** Facts are as before. An open decision is closed now. */
export function undone(turn: Turn, job: Job): void {
  const { open } = turn.machine;
  if (!open) return retracted(turn, job);
  turn.go({ kind: "retracting", job });
  const why = job.issues[0]?.message ?? "the panel that decided it ended";
  turn.log({ kind: "R", decision: open.seq, hash: open.hash, why: why.slice(0, LIMITS.walWhy).toWellFormed() });
}

export function onRetracting(turn: Turn, { job }: Extract<Phase, { kind: "retracting" }>, event: ApplyEvent): void {
  switch (event.kind) {
    case "synced":
      return event.record.body.kind === "R" ? retracted(turn, job) : undefined;
    case "syncFailed":
      turn.end(job.id, { kind: "inDoubt", issues: [...job.issues, unsynced("rollback", event.why)] });
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

function retracted(turn: Turn, job: Job): void {
  if (job.work.kind === "recover" && job.looks === 0) return look(turn, job);
  clean(turn, job, repairs(job) ? "look" : "fail");
}

/** A repair goes on without the drivers that it could not start; with nobody to blame it ends. */
function repairs({ work, givenUp, target, looks }: Job): boolean {
  const isRepair = work.kind === "recover" || work.kind === "return" ||
    (target?.record.kind === "M" && target.record.move === "restore");
  return isRepair && givenUp.length > 0 && looks <= LIMITS.looksOfARepair;
}

/** What failed is cleaned away. Who served before and ended under it serves again, and then the asker hears of it. */
export function failed(turn: Turn, job: Job): void {
  const { kind } = job.work;
  const isPeoples = kind === "apply" || kind === "rollback" || kind === "move";
  const ended = isPeoples && job.reached === "flipped" ? deadDrivers(turn.machine) : [];
  if (ended.length > 0) {
    turn.progress(job, "undo", `${ended.join(", ")} ended under it`);
    return look(turn, { ...job, work: { kind: "return" }, givenUp: [] });
  }
  finish(turn, job, { kind: "rolledBack", issues: job.issues });
}
