/** What is done next, when nothing is under way: dead drivers first, then what people asked for, in its order. */
import { LIMITS } from "../limits.ts";
import type { DriverName } from "../model/names.ts";
import { clean } from "./clean.ts";
import { desiredGraph } from "./committed.ts";
import { aliveInstances, isAlive } from "./facts.ts";
import { look, noRoom } from "./look.ts";
import type { Machine } from "./state.ts";
import type { Turn } from "./turn.ts";

export function nextJob(turn: Turn): void {
  if (turn.machine.phase.kind !== "idle") return;
  if (turn.machine.unrecovered !== null) {
    for (const { id } of turn.machine.queue) turn.end(id, { kind: "rolledBack", issues: [noRoom()] });
    return turn.set({ queue: [] });
  }
  const [failed] = failedDrivers(turn.machine);
  if (failed) {
    const job = turn.job(0, { kind: "restart", driver: failed });
    const why = turn.machine.ends[failed] ?? "its connection is gone";
    turn.progress(job, "recover", `driver ${failed} is stopped: ${why}`);
    return clean(turn, job, "done");
  }
  for (const driver of deadDrivers(turn.machine)) {
    const refusal = noRestart(turn.machine, driver, turn.nowNs);
    if (refusal === undefined) {
      const times = [...(turn.machine.restarts[driver] ?? []), turn.nowNs].slice(-LIMITS.restartsRemembered);
      turn.set({ restarts: { ...turn.machine.restarts, [driver]: times } });
      const job = turn.job(0, { kind: "restart", driver });
      turn.progress(job, "recover", `driver ${driver} is down and is restarted`);
      return look(turn, job);
    }
    turn.set({ down: { ...turn.machine.down, [driver]: refusal } });
    turn.progress(turn.job(0, { kind: "restart", driver }), "recover", `driver ${driver} stays down: ${refusal}`);
  }
  const [next, ...queue] = turn.machine.queue;
  if (!next) return;
  turn.set({ queue });
  look(turn, turn.job(next.id, next.act));
}

/** Those of Desired whose processes are there and of no use. */
function failedDrivers({ committed, facts, serving }: Machine): readonly DriverName[] {
  const failed = new Set(
    facts.instances.filter((each) => each.state !== "exited" && !isAlive(each)).map((each) => each.instance),
  );
  return desiredGraph(committed).drivers.map((each) => each.driver).filter((driver) => {
    const serves = serving[driver];
    return serves !== undefined && failed.has(serves);
  });
}

/** Drivers of Desired that nobody serves and that are not given up. */
export function deadDrivers({ committed, facts, serving, down }: Machine): readonly DriverName[] {
  const alive = aliveInstances(facts);
  return desiredGraph(committed).drivers.map((each) => each.driver).filter((driver) => {
    const serves = serving[driver];
    return down[driver] === undefined && (serves === undefined || !alive.has(serves));
  });
}

/** Why the committed plan does not permit one more restart now, and how its last instance ended. */
function noRestart({ committed, restarts, ends }: Machine, driver: DriverName, nowNs: number): string | undefined {
  const move = committed.document?.moves.find((each) => each.kind === "restart" && each.driver === driver);
  const last = ends[driver] === undefined ? "" : `: ${ends[driver]}`;
  if (move?.kind !== "restart") return `its plan permits no restart${last}`;
  const recent = (restarts[driver] ?? []).filter((at) => nowNs - at < move.withinNs);
  if (recent.length < Math.min(move.budget, LIMITS.restartsRemembered)) return undefined;
  return `its restart budget of ${move.budget} is used up${last}`;
}
