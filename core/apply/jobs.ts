/** What is done next, when nothing is under way: dead drivers first, then what people asked for, in its order. */
import { LIMITS } from "../limits.ts";
import type { DriverName } from "../model/names.ts";
import { desiredGraph } from "./committed.ts";
import { look, noRoom } from "./look.ts";
import type { Machine } from "./state.ts";
import { aliveInstances } from "./transition.ts";
import type { Turn } from "./turn.ts";

export function nextJob(turn: Turn): void {
  if (turn.machine.phase.kind !== "idle") return;
  if (turn.machine.unrecovered !== null) {
    for (const { id } of turn.machine.queue) turn.end(id, { kind: "rolledBack", issues: [noRoom()] });
    return turn.set({ queue: [] });
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

/** Drivers of Desired that nobody serves and that are not given up. */
export function deadDrivers({ committed, facts, serving, down }: Machine): readonly DriverName[] {
  const alive = aliveInstances(facts);
  return desiredGraph(committed).drivers.map((each) => each.driver).filter((driver) => {
    const serves = serving[driver];
    return down[driver] === undefined && (serves === undefined || !alive.has(serves));
  });
}

/** Why the committed plan does not permit one more restart now. */
function noRestart({ committed, restarts }: Machine, driver: DriverName, nowNs: number): string | undefined {
  const move = committed.document?.moves.find((each) => each.kind === "restart" && each.driver === driver);
  if (move?.kind !== "restart") return "its plan permits no restart";
  const recent = (restarts[driver] ?? []).filter((at) => nowNs - at < move.withinNs);
  if (recent.length < Math.min(move.budget, LIMITS.restartsRemembered)) return undefined;
  return `its restart budget of ${move.budget} is used up`;
}
