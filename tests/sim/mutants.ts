/** The code broken on purpose, one way each. A simulator that does not see these sees nothing. */
import type { Effect, WalRecord } from "../../core/apply/types.ts";
import { jobOf } from "../../core/apply/machine.ts";
import type { KeeperReply, KeeperRequest } from "../../core/keeper.ts";
import type { FakeKeeper } from "../fakes/keeper.ts";
import type { Tamper } from "./world.ts";

const done = (keeper: FakeKeeper): KeeperReply => ({ kind: "done", epoch: keeper.epoch, inventory: null });

const unless = (skips: (request: KeeperRequest, keeper: FakeKeeper) => boolean): Tamper => ({
  reply: (request, keeper) => skips(request, keeper) ? done(keeper) : undefined,
});

const isInverse = (request: KeeperRequest, keeper: FakeKeeper): boolean =>
  request.kind === "flip" && keeper.inventory().transitions.some((each) => each.inverse === request.to);

export const MUTANTS: Readonly<Record<string, Tamper>> = {
  "success is said before C is synced": {
    effects: ({ effects, state }) => {
      const job = jobOf(state.phase);
      const isCommit = effects.some((each) => each.kind === "log" && each.body.kind === "C");
      if (!isCommit || !job?.target || job.target.record.kind !== "C") return effects;
      const { plan, serial } = job.target.record;
      return [{ kind: "end", id: job.id, outcome: { kind: "committed", plan, serial, changed: true } }, ...effects];
    },
  },
  "the inverse flip is skipped": unless(isInverse),
  "a commit in doubt is said to be rolled back": {
    effects: ({ effects }) =>
      effects.map((each): Effect =>
        each.kind === "end" && each.outcome.kind === "inDoubt"
          ? { ...each, outcome: { kind: "rolledBack", issues: each.outcome.issues } }
          : each
      ),
  },
  "staged regions are not discarded": unless((request) => request.kind === "discard"),
  "old regions are not freed": unless((request) => request.kind === "settle"),
  "old drivers are not ended": unless((request) => request.kind === "stop" && request.withinNs > 0),
  "the flip comes before D": {
    effects: ({ effects, state }) => {
      const transition = jobOf(state.phase)?.prepared?.transition;
      if (!transition || !effects.some((each) => each.kind === "log" && each.body.kind === "D")) return effects;
      const flip: Effect = { kind: "ask", request: { kind: "flip", from: transition.from, to: transition.forward } };
      return [flip, ...effects];
    },
  },
  "D is written and not acted on at recovery": {
    records: (records: readonly WalRecord[]) => records.at(-1)?.body.kind === "D" ? records.slice(0, -1) : records,
  },
  "what was read is acted on before it is durable": { believesReads: true },
  "a dead panel's requests are still done": { noFence: true },
  "barriers are not waited for": {
    effects: ({ effects }) =>
      effects.flatMap((each): readonly Effect[] =>
        each.kind === "ask" && each.request.kind === "stage"
          ? [each, { kind: "ask", request: { kind: "seal", transition: each.request.transition.id } }]
          : [each]
      ),
  },
  "moves are forgotten at recovery": {
    records: (records) => {
      const last = records.at(-1);
      return last?.body.kind === "M" && last.body.move !== "restore" ? records.slice(0, -1) : records;
    },
  },
};
