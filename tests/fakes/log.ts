/** Logs for tests: bodies that may follow each other, and the bytes that they make. */
import type { WalBody, WalRecord } from "../../core/apply/types.ts";
import { EMPTY_LOG, headAfter, type LogHead, makeRecord } from "../../core/apply/wal_record.ts";
import type { PlanId } from "../../core/model/names.ts";
import { hasher } from "./hasher.ts";

export const planA = "a".repeat(64) as PlanId;
export const planB = "b".repeat(64) as PlanId;

export function decision(plan: PlanId | null, serial: number, epoch: number): WalBody {
  return {
    kind: "D",
    act: "apply",
    plan,
    serial,
    forward: epoch,
    inverse: epoch + 1,
    instances: { ant: `ant.${epoch}`, bee: `bee.${epoch}` },
    exempt: [],
  };
}

export function move(name: string, epoch: number): WalBody {
  return { kind: "M", move: name, forward: epoch, inverse: epoch + 1, instances: {}, why: "test" };
}

/** Chains bodies; C and R get the open decision's number and hash. */
export function chain(bodies: readonly WalBody[]): readonly WalRecord[] {
  let head: LogHead = EMPTY_LOG;
  return bodies.map((body) => {
    const { open } = head;
    const closes = open && (body.kind === "C" || body.kind === "R");
    const whole = !closes
      ? body
      : body.kind === "C"
      ? { ...body, decision: open.seq }
      : { ...body, decision: open.seq, hash: open.hash };
    const record = makeRecord(head, whole, hasher);
    head = headAfter(head, record);
    return record;
  });
}

export function commit(plan: PlanId | null, serial: number): WalBody {
  return { kind: "C", decision: 0, plan, serial, signers: ["ed25519:test"] };
}

export const undo: WalBody = { kind: "R", decision: 0, hash: planA, why: "test" };

/** A log in which everything happens that may. */
export const RICH: readonly WalRecord[] = chain([
  decision(planA, 1, 1),
  commit(planA, 1),
  move("fallback:x", 3),
  decision(planB, 2, 5),
  undo,
  decision(planB, 3, 7),
  commit(planB, 3),
]);
