/**
 * The beginning of every job: room in the log and fresh facts, and from them what is to be done. A job that repairs looks
 * again after each thing it did, until there is nothing left to do.
 */
import { type Issue, issue } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { DriverName } from "../model/names.ts";
import type { AdmittedPlan } from "../model/plan.ts";
import { clean, mess } from "./clean.ts";
import { desiredGraph, highest, planDocument } from "./committed.ts";
import { aliveInstances } from "./facts.ts";
import { brokenGraph } from "./invariants.ts";
import { deadDrivers, nextJob } from "./jobs.ts";
import { permitted } from "./moves.ts";
import { start } from "./prepare.ts";
import type { Job, Machine, Phase, Target } from "./state.ts";
import { changesNothing, prepare } from "./transition.ts";
import type { Turn } from "./turn.ts";
import type { ApplyEvent, Outcome, Room } from "./types.ts";
import { untold } from "./untold.ts";
import { roomForAct } from "./wal.ts";

export function look(turn: Turn, before: Job): void {
  const job: Job = {
    ...before,
    looks: before.looks + 1,
    target: null,
    prepared: null,
    reached: "nothing",
    culprits: [],
  };
  const { work } = job;
  const drivers = work.kind === "apply" ? work.admitted.plan.to.drivers : desiredGraph(turn.machine.committed).drivers;
  const signers = work.kind === "apply" ? work.admitted.signers : [];
  turn.go({ kind: "looking", job, reserved: null, looked: false });
  turn.reserve(roomForAct([...drivers, ...turn.machine.committed.graph.drivers].map((each) => each.driver), signers));
  turn.ask({ kind: "inventory" }, job);
}

export function onLooking(turn: Turn, phase: Extract<Phase, { kind: "looking" }>, event: ApplyEvent): void {
  const { job } = phase;
  switch (event.kind) {
    case "reserved":
      if (event.room !== "made") return crowded(turn, job, event.room);
      return seen(turn, { ...phase, reserved: true });
    case "replied":
      return event.to === "inventory" ? seen(turn, { ...phase, looked: true }) : undefined;
    case "refused":
      return finish(turn, job, { kind: "rolledBack", issues: [...job.issues, refusedBy(event.to, event.message)] });
    case "begin":
    case "attached":
    case "keeper":
    case "synced":
    case "syncFailed":
    case "deadline":
      return;
  }
}

/** Nothing was prepared. What recovery has to do can't be left: it is tried again, and until then acts are turned away. */
function crowded(turn: Turn, job: Job, room: Room): void {
  if (job.work.kind === "recover") turn.set({ unrecovered: turn.timer(LIMITS.recoverAgainNs) });
  finish(turn, job, { kind: "rolledBack", issues: [...job.issues, noRoom(room)] });
}

function seen(turn: Turn, phase: Extract<Phase, { kind: "looking" }>): void {
  turn.go(phase);
  if (!phase.reserved || !phase.looked) return;
  const { facts, numbers, lastEpoch } = turn.machine;
  turn.set({
    numbers: highest(numbers, facts.instances.map((each) => each.instance)),
    lastEpoch: Math.max(lastEpoch, facts.lastEpoch, facts.epoch),
  });
  decide(turn, phase.job);
}

function decide(turn: Turn, job: Job): void {
  const { work } = job;
  switch (work.kind) {
    case "apply":
      return decideApply(turn, job, work.admitted);
    case "rollback":
      return decideRollback(turn, job);
    case "move":
      return decideMove(turn, job, work.move, work.why);
    case "restart":
      return begin(turn, job, restartTarget(turn.machine, work.driver));
    case "restore":
    case "recover":
    case "return":
      return repair(turn, job);
  }
}

function decideApply(turn: Turn, job: Job, { id, plan, grant, signers }: AdmittedPlan): void {
  const { committed } = turn.machine;
  if (id === committed.plan) {
    const move = committed.moves.at(-1);
    if (move === undefined) return repair(turn, job);
    return decideMove(turn, job, `return:${move}`, "its plan was applied again");
  }
  // Admitted against what was committed then; acts before it in the queue may have changed that.
  if (
    plan.base.plan !== committed.plan || plan.base.graph !== committed.graphHash || grant.serial <= committed.serial
  ) {
    return finish(turn, job, { kind: "refused", issues: [stale()] });
  }
  const [unsafe] = brokenGraph(plan.to);
  if (unsafe !== undefined) return finish(turn, job, { kind: "refused", issues: [notSafe(unsafe)] });
  begin(turn, job, {
    graph: plan.to,
    record: { kind: "C", act: "apply", plan: id, document: plan, serial: grant.serial, signers },
    tag: { plan: id, move: "" },
    abandoned: [],
    start: [],
  });
}

function decideRollback(turn: Turn, job: Job): void {
  const { committed, tools } = turn.machine;
  const { document } = committed;
  if (!document) return finish(turn, job, { kind: "refused", issues: [nothingToRollBack()] });
  const before = planDocument(document.base.plan, tools);
  if (!before.ok) return finish(turn, job, { kind: "refused", issues: before.issues });
  begin(turn, job, {
    graph: document.from,
    record: {
      kind: "C",
      act: "rollback",
      plan: document.base.plan,
      document: before.value,
      serial: committed.serial,
      signers: [],
    },
    tag: { plan: document.base.plan ?? "", move: "" },
    abandoned: [],
    start: [],
  });
}

function decideMove(turn: Turn, job: Job, move: string, why: string): void {
  const { committed } = turn.machine;
  const now = permitted(move, committed);
  if (!now.ok) return finish(turn, job, { kind: "refused", issues: now.issues });
  begin(turn, job, {
    graph: now.value.graph,
    record: { kind: "M", move, why },
    tag: { plan: committed.plan ?? "", move },
    abandoned: now.value.abandoned,
    start: [],
  });
}

function restartTarget({ committed, ends }: Machine, driver: DriverName): Target {
  const move = `restart:${driver}`;
  return {
    graph: desiredGraph(committed),
    record: { kind: "M", move, why: ends[driver] ?? "the driver exited" },
    tag: { plan: committed.plan ?? "", move },
    abandoned: [],
    start: [driver],
  };
}

/** Makes facts equal to Desired, one thing at a time. */
function repair(turn: Turn, job: Job): void {
  const { machine } = turn;
  if (job.looks > LIMITS.looksOfARepair) return repaired(turn, { ...job, issues: [...job.issues, unfinished()] });
  const move = untold(machine);
  if (move) {
    turn.go({ kind: "adopting", job: { ...job, changed: true } });
    return turn.log(move);
  }
  if (mess(machine)) return clean(turn, { ...job, changed: true }, "look");
  begin(turn, job, restoreTarget(machine, job));
}

const WHY_RESTORED: Readonly<Partial<Record<Job["work"]["kind"], string>>> = {
  recover: "the panel recovered",
  return: "a driver ended under a plan that was undone",
};

function restoreTarget({ committed, facts, serving, down }: Machine, job: Job): Target {
  const graph = desiredGraph(committed);
  const alive = aliveInstances(facts);
  const dead = graph.drivers.map((each) => each.driver).filter((driver) => {
    const serves = serving[driver];
    return serves === undefined || !alive.has(serves);
  });
  // People who ask for a repair mean all of it; recovery leaves down what was given up before.
  const isAsked = job.id > 0 && job.work.kind !== "return";
  const start = dead.filter((each) => !job.givenUp.includes(each) && (isAsked || down[each] === undefined));
  return {
    graph,
    record: {
      kind: "M",
      move: "restore",
      why: WHY_RESTORED[job.work.kind] ?? "drift was repaired",
    },
    tag: { plan: committed.plan ?? "", move: "restore" },
    abandoned: [],
    start,
  };
}

/** Prepares the transition to a target; for a repair, nothing to do is the end. */
function begin(turn: Turn, job: Job, target: Target): void {
  const left = desiredGraph(turn.machine.committed);
  const prepared = prepare(turn.machine, left, target, turn.nowNs);
  if (!prepared.ok) {
    const issues = [...job.issues, ...prepared.issues];
    return finish(turn, job, { kind: job.work.kind === "apply" ? "refused" : "rolledBack", issues });
  }
  const isRepair = target.record.kind === "M" && target.record.move === "restore";
  if (isRepair && changesNothing(prepared.value)) return repaired(turn, job);
  start(turn, { ...job, target, left, prepared: prepared.value });
}

/** What a repair could not start is named; all else is as Desired says. */
function repaired(turn: Turn, job: Job): void {
  const { committed } = turn.machine;
  if (job.issues.length > 0) return finish(turn, job, { kind: "rolledBack", issues: job.issues });
  finish(turn, job, { kind: "committed", plan: committed.plan, serial: committed.serial, changed: job.changed });
}

/** Answers the asker and goes on to the next job. */
export function finish(turn: Turn, job: Job, outcome: Outcome): void {
  const { pending } = turn.machine;
  turn.end(job.id, job.work.kind === "return" ? named(turn.machine, outcome) : outcome);
  if (job.work.kind === "recover" && pending) {
    turn.end(pending.id, outcomeOfPending(turn.machine, pending));
    turn.set({ pending: null });
  }
  turn.go({ kind: "idle" });
  nextJob(turn);
}

/** Base is in force again, but for these. */
function named(machine: Machine, outcome: Outcome): Outcome {
  if (outcome.kind !== "rolledBack") return outcome;
  return { ...outcome, issues: [...outcome.issues, ...deadDrivers(machine).map(staysDown)] };
}

function staysDown(driver: DriverName): Issue {
  const why = `driver \`${driver}\` ended under the plan and could not be started again`;
  return issue("driver.down", `cannot leave everything as it was because ${why}`, "see `rtt logs` of the driver");
}

/** An act whose keeper was lost on the way: recovery has decided it. */
function outcomeOfPending({ committed }: Machine, { work, issues }: Job): Outcome {
  if (work.kind === "move") {
    const made = work.move.startsWith("return:")
      ? !committed.moves.includes(work.move.slice("return:".length))
      : committed.moves.includes(work.move);
    if (made) return { kind: "committed", plan: committed.plan, serial: committed.serial, changed: true };
  }
  return { kind: "rolledBack", issues: issues.length > 0 ? issues : [keeperLost("its link ended")] };
}

export function keeperLost(why: string): Issue {
  return issue(
    "keeper.lost",
    `cannot go on because the keeper is gone: ${why}`,
    "ask again; the panel starts a new one",
  );
}

export function refusedBy(request: string, message: string): Issue {
  return issue(
    "keeper.refused",
    `cannot go on because the keeper refused ${request}: ${message}`,
    "correct what the keeper names, and ask again",
  );
}

function unfinished(): Issue {
  const why = `it was tried ${LIMITS.looksOfARepair} times`;
  return issue(
    "repair.unfinished",
    `cannot make Observed equal Desired because ${why}`,
    "see `rtt drift` and `rtt logs`",
  );
}

export function noRoom(room: Room = "noDisk"): Issue {
  const [why, remedy] = room === "noLog"
    ? [
      `it has reached its ${LIMITS.walBytes / MIB} MiB`,
      "`rtt down`, move .rtt/wal and .rtt/store away for evidence, then `rtt serve`, `rtt plan` and `rtt apply`",
    ]
    : ["the disk is full", "make room on the disk"];
  return issue("wal.full", `cannot begin because the log has no room for it: ${why}`, remedy);
}

const MIB = 1024 * 1024;

function notSafe(why: string): Issue {
  return issue("plan.unsafe", `cannot apply the plan because ${why}`, "run `rtt plan` again");
}

function stale(): Issue {
  const why = "another plan was committed after it was admitted";
  return issue("plan.stale", `cannot apply the plan because ${why}`, "run `rtt plan` again");
}

function nothingToRollBack(): Issue {
  return issue(
    "rollback.none",
    "cannot roll back because no plan is committed",
    "there is nothing before the empty graph",
  );
}
