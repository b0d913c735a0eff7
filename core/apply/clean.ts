/** The end of every job: instances that serve nobody are ended, in order, and then what only they used is freed. */
import { type Instance, splitInstance } from "../model/names.ts";
import { idlers } from "./facts.ts";
import { nextJob } from "./jobs.ts";
import { look } from "./look.ts";
import { desiredGraph } from "./committed.ts";
import { stopRanks } from "./order.ts";
import type { Job, Machine, Phase } from "./state.ts";
import type { Turn } from "./turn.ts";
import type { ApplyEvent } from "./types.ts";
import { failed } from "./undo.ts";

type Cleaning = Extract<Phase, { kind: "cleaning" }>;

/** For an instance that another panel has started. */
const STOP_WITHIN_NS = 1_000_000_000;

/** True when the keeper holds what nobody named in the log needs. */
export function mess({ facts, serving }: Machine): boolean {
  return facts.transitions.length > 0 || idlers(facts, serving).length > 0;
}

export function clean(turn: Turn, job: Job, then: Cleaning["then"]): void {
  const { facts, serving } = turn.machine;
  const later = ranked(turn.machine, job, idlers(facts, serving));
  stopNext(turn, { kind: "cleaning", job, then, waiting: [], later, freeing: null });
}

function stopNext(turn: Turn, { waiting, later: [rank = [], ...later], ...phase }: Omit<Cleaning, "timer">): void {
  const within = (each: Instance): number => turn.machine.cells[each]?.stopWithinNs ?? STOP_WITHIN_NS;
  const slowest = rank.reduce((most, each) => Math.max(most, within(each)), 0);
  for (const instance of rank) turn.ask({ kind: "stop", instance, withinNs: within(instance) }, phase.job);
  const timer = turn.timer(slowest + turn.machine.prepareWithinNs);
  advance(turn, { ...phase, waiting: [...waiting, ...rank], later, timer });
}

/** Sources before sinks, by the graph that is left behind; what is in no graph comes first. */
function ranked({ committed }: Machine, job: Job, instances: readonly Instance[]): readonly (readonly Instance[])[] {
  const ranks = new Map<string, number>();
  for (const graph of [job.left, desiredGraph(committed), committed.document?.from, job.target?.graph]) {
    for (const [driver, rank] of graph ? stopRanks(graph) : []) if (!ranks.has(driver)) ranks.set(driver, rank);
  }
  const byRank = new Map<number, Instance[]>();
  for (const each of [...instances].sort()) {
    const rank = ranks.get(splitInstance(each)?.driver ?? "") ?? -1;
    byRank.set(rank, [...byRank.get(rank) ?? [], each]);
  }
  return [...byRank].sort(([one], [other]) => one - other).map(([, rank]) => rank);
}

export function onCleaning(turn: Turn, phase: Cleaning, event: ApplyEvent): void {
  switch (event.kind) {
    case "keeper":
      if (event.event.kind !== "exited" || !phase.waiting.includes(event.event.instance)) return;
      // It has exited: now the keeper may forget it.
      turn.ask({ kind: "stop", instance: event.event.instance, withinNs: 0 }, phase.job);
      return advance(turn, phase);
    case "replied":
    case "refused": {
      // What the keeper refuses here (it never knew it, it has gone) is as good as done; a later look shows what is left.
      const isFreed = phase.freeing !== null && (event.to === "settle" || event.to === "discard");
      return advance(turn, isFreed ? { ...phase, freeing: (phase.freeing ?? 0) - 1 } : phase);
    }
    case "deadline":
      return event.timer === phase.timer ? late(turn, phase) : undefined;
    case "begin":
    case "attached":
    case "reserved":
    case "synced":
    case "syncFailed":
      return;
  }
}

/** First all are gone, then all is freed. */
function advance(turn: Turn, before: Cleaning): void {
  const { facts } = turn.machine;
  const known = new Set(facts.instances.map((each) => each.instance));
  const phase: Cleaning = { ...before, waiting: before.waiting.filter((each) => known.has(each)) };
  // Also one that is heard no more has to be gone before the next rank is stopped.
  const there = new Set(facts.instances.filter((each) => each.state !== "exited").map((each) => each.instance));
  if (phase.later.length > 0 && !phase.waiting.some((each) => there.has(each))) {
    turn.cancel(phase.timer);
    return stopNext(turn, phase);
  }
  if (phase.waiting.length > 0 || (phase.freeing ?? 0) > 0) return turn.go(phase);
  if (phase.freeing === null && facts.transitions.length > 0) return free(turn, phase);
  turn.cancel(phase.timer);
  cleaned(turn, phase);
}

/** Somebody does not go, or the keeper does not answer: what can be freed is, and the rest is drift until the next cleaning. */
function late(turn: Turn, phase: Cleaning): void {
  if (phase.freeing !== null) return cleaned(turn, phase);
  if (phase.later.length > 0) return stopNext(turn, { ...phase, waiting: [] });
  advance(turn, { ...phase, waiting: [], timer: turn.timer(turn.machine.prepareWithinNs) });
}

function free(turn: Turn, phase: Cleaning): void {
  const { facts } = turn.machine;
  turn.go({ ...phase, freeing: facts.transitions.length });
  for (const { id, forward, inverse } of facts.transitions) {
    // A transition that another one has flipped past is in force no more, and so there is nothing to settle.
    const inForce = facts.epoch === forward || facts.epoch === inverse;
    turn.ask({ kind: inForce ? "settle" : "discard", transition: id }, phase.job);
  }
}

function cleaned(turn: Turn, { job, then }: Cleaning): void {
  switch (then) {
    case "look":
      return look(turn, job);
    case "fail":
      return failed(turn, job);
    case "done":
      turn.go({ kind: "idle" });
      return nextJob(turn);
  }
}
