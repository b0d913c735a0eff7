/**
 * One record of the log: what it may hold, how it is hashed, and which record may follow which. A record's hash is SHA-256
 * over the canonical bytes of {seq, body, prev}, so that the last hash stands for the whole log: the root.
 */
import { type Issue, issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Hash } from "../model/names.ts";
import { count, list, matching, nullable, object, oneOf, optional, record, tagged, text } from "../model/shape.ts";
import type { Hasher } from "../ports.ts";
import { canonical, parseCanonical } from "../trust/canonical.ts";
import type { WalBody, WalRecord } from "./types.ts";

/** `prev` of the first record, and the root of an empty log. */
export const NO_RECORD = "0".repeat(64) as Hash;

/** The part of a log that decides what may come next. */
export interface LogHead {
  readonly seq: number;
  readonly root: Hash;
  /** The D that no C or R has closed yet. */
  readonly open: WalRecord | null;
}

export const EMPTY_LOG: LogHead = { seq: 0, root: NO_RECORD, open: null };

export function makeRecord(head: LogHead, body: WalBody, hasher: Hasher): WalRecord {
  const seq = head.seq + 1;
  return { seq, body, prev: head.root, hash: recordHash(seq, body, head.root, hasher) };
}

export function recordHash(seq: number, body: WalBody, prev: Hash, hasher: Hasher): Hash {
  return hasher.sha256(canonical({ seq, body, prev }));
}

export function headAfter(head: LogHead, next: WalRecord): LogHead {
  const { seq, hash: root } = next;
  switch (next.body.kind) {
    case "D":
      return { seq, root, open: next };
    case "C":
    case "R":
      return { seq, root, open: null };
    case "M":
      return { seq, root, open: head.open };
  }
}

/** Reads a record's payload and checks all that it says of itself. */
export function parseRecord(payload: Uint8Array, hasher: Hasher): Result<WalRecord> {
  const parsed = parseCanonical(payload, "the record", "wal.broken");
  if (!parsed.ok) return parsed;
  const wrong = RECORD(parsed.value);
  if (wrong !== undefined) return refuse(broken(`\`${wrong || "."}\` is not as in a record`));
  const value = parsed.value as WalRecord;
  if (recordHash(value.seq, value.body, value.prev, hasher) !== value.hash) {
    return refuse(broken("its hash is not the hash of what it says"));
  }
  return ok(value);
}

/** Why this record can't follow this head; undefined when it can. */
export function illegal(head: LogHead, next: WalRecord): string | undefined {
  return brokenChain(head, next) ?? wrongKind(head, next);
}

function brokenChain(head: LogHead, next: WalRecord): string | undefined {
  if (next.seq <= head.seq) return `its seq ${next.seq} is not above ${head.seq}`;
  if (next.seq === head.seq + 1) {
    return next.prev === head.root ? undefined : "its `prev` is not the hash of the record before it";
  }
  const { body } = next;
  const proved = next.seq === head.seq + 2 && body.kind === "R" && body.decision === head.seq + 1 &&
    body.hash === next.prev;
  return proved ? undefined : `records ${head.seq + 1} to ${next.seq - 1} are missing and it does not prove a rollback`;
}

function wrongKind(head: LogHead, next: WalRecord): string | undefined {
  const { body } = next;
  const { open } = head;
  switch (body.kind) {
    case "D":
      return open === null ? undefined : `decision ${open.seq} is still open`;
    case "M":
      return open === null ? undefined : `decision ${open.seq} is still open`;
    case "C": {
      if (open?.body.kind !== "D" || body.decision !== open.seq) return "it commits a decision that is not open";
      const same = body.plan === open.body.plan && body.serial === open.body.serial;
      return same ? undefined : "it commits another plan or serial than was decided";
    }
    case "R": {
      if (next.seq === head.seq + 2) return open === null ? undefined : `decision ${open.seq} is still open`;
      const closes = open !== null && body.decision === open.seq && body.hash === open.hash;
      return closes ? undefined : "it undoes a decision that is not open";
    }
  }
}

function broken(why: string): Issue {
  const remedy = "keep the file for evidence; restore the folder from a backup, or begin a new log";
  return issue("wal.broken", `cannot read the record because ${why}`, remedy);
}

const HASH = matching(/^[0-9a-f]{64}$/);
const INSTANCES = record(matching(/^[A-Za-z][A-Za-z0-9_-]{0,62}\.[1-9][0-9]{0,14}$/), LIMITS.drivers);

/** Records of before it was written have none. */
const at = optional(count);

const RECORD = object({
  seq: count,
  prev: HASH,
  hash: HASH,
  body: tagged({
    D: {
      at,
      act: oneOf("apply", "rollback"),
      plan: nullable(HASH),
      serial: count,
      forward: count,
      inverse: count,
      instances: INSTANCES,
      exempt: list(text, LIMITS.drivers),
    },
    C: { at, decision: count, plan: nullable(HASH), serial: count, signers: list(text, LIMITS.trustedKeys) },
    R: { at, decision: count, hash: HASH, why: text },
    M: { at, move: text, forward: count, inverse: count, instances: INSTANCES, why: text },
  }),
});
