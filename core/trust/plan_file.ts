/** `plans/<id>.json`: the plan's bytes and the grants over them. What was verified is what is used: bytes are never re-made. */
import { issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Graph } from "../model/graph.ts";
import type { Hash, PlanId } from "../model/names.ts";
import { type Envelope, type Grant, type Plan, PLAN_VERSION, type PlanFile } from "../model/plan.ts";
import {
  anything,
  count,
  flag,
  list,
  matching,
  nullable,
  number,
  object,
  oneOf,
  record,
  type Shape,
  tagged,
  text,
} from "../model/shape.ts";
import type { Hasher } from "../ports.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { canonical, parseCanonical } from "./canonical.ts";
import { parseEnvelope } from "./envelope.ts";

declare const read: unique symbol;
/** A plan file whose bytes are in order and whose signatures nobody has looked at. Made by `readPlanFile` alone. */
export interface ReadPlan {
  readonly id: PlanId;
  readonly plan: Plan;
  /** The plan's own, of which `id` is the hash and `plan` the value. */
  readonly bytes: Uint8Array;
  readonly envelopes: readonly Envelope[];
  readonly [read]: true;
}

export function planId(bytes: Uint8Array, hasher: Hasher): PlanId {
  return hasher.sha256(bytes) as PlanId;
}

export function graphHash(graph: Graph, hasher: Hasher): Hash {
  return hasher.sha256(canonical(graph));
}

/** The bytes of a plan file. */
export function writePlanFile(bytes: Uint8Array, envelopes: readonly Envelope[]): Uint8Array {
  const file: PlanFile = { plan: encodeBase64(bytes), envelopes };
  return canonical(file);
}

export function readPlanFile(file: Uint8Array, hasher: Hasher): Result<ReadPlan> {
  if (file.length > LIMITS.planBytes) return broken(`it is larger than ${LIMITS.planBytes} bytes`);
  const parsed = parseCanonical(file, "the plan file", "plan.broken", MAKE_AGAIN);
  if (!parsed.ok) return parsed;
  const outer = FILE(parsed.value);
  if (outer !== undefined) return broken(`\`${outer || "."}\` is not as in a plan file`);
  const { plan, envelopes } = parsed.value as { plan: string; envelopes: unknown[] };
  const bytes = decodeBase64(plan);
  if (!bytes) return broken("the plan in it is not base64");
  const known: Envelope[] = [];
  for (const each of envelopes) {
    const envelope = parseEnvelope(each);
    if (!envelope) return broken("an envelope in it can't be read");
    known.push(envelope);
  }
  const document = parsePlan(bytes, hasher);
  if (!document.ok) return document;
  const made = { id: planId(bytes, hasher), plan: document.value, bytes, envelopes: known };
  return ok(made as unknown as ReadPlan);
}

/** A plan from its canonical bytes. */
export function parsePlan(bytes: Uint8Array, hasher: Hasher): Result<Plan> {
  const parsed = parseCanonical(bytes, "the plan", "plan.broken", MAKE_AGAIN);
  if (!parsed.ok) return parsed;
  const wrong = PLAN(parsed.value);
  if (wrong !== undefined) return broken(`\`${wrong || "."}\` is not as in a plan of version ${PLAN_VERSION}`);
  const plan = parsed.value as Plan;
  if (graphHash(plan.from, hasher) !== plan.base.graph) return broken("its base graph has another hash than it says");
  return ok(plan);
}

export function parseGrant(predicate: unknown): Grant | undefined {
  return GRANT(predicate) === undefined ? predicate as Grant : undefined;
}

function broken<T>(why: string): Result<T> {
  return refuse(issue("plan.broken", `cannot read the plan because ${why}`, MAKE_AGAIN));
}

const MAKE_AGAIN = "make it again with `rtt plan`, or get the file again";

const HASH = matching(/^[0-9a-f]{64}$/);
const NAME = matching(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/);

const FILE = object({ plan: text, envelopes: list(anything, LIMITS.envelopesOfAPlan) });

/** Milliseconds since 1970, as far as a date goes. */
const time: Shape = (value) => count(value) ?? (Number(value) > LAST_DATE_MS ? "" : undefined);
const LAST_DATE_MS = 8.64e15;

const GRANT = object({ panel: NAME, predecessor: nullable(HASH), serial: count, notBefore: time, notAfter: time });

const PLACED = object({
  driver: NAME,
  manifest: HASH,
  closure: HASH,
  cpus: list(count, 4_096),
  node: count,
});

const END = object({ driver: NAME, endpoint: NAME });

const LINK = object({
  route: NAME,
  routeId: count,
  class: oneOf("hook", "api", "bus"),
  from: END,
  to: END,
  contract: text,
  version: text,
  critical: flag,
  budgetNs: nullable(count),
  stallNs: nullable(count),
  rateHz: nullable(number),
  onTrip: oneOf("alarm", "fallback", "cut", "rollback"),
  backpressure: oneOf("block", "dropNewest", "fail"),
  blockNs: count,
  wait: oneOf("sleep", "spinThenSleep"),
  spinNs: count,
  ringBytes: count,
  maxFrameBytes: count,
  drainWithinNs: count,
  ttl: nullable(count),
  dedupe: nullable(flag),
});

const GRAPH = object({ drivers: list(PLACED, LIMITS.drivers), links: list(LINK, LIMITS.routes) });

const CHANGE = tagged({
  start: { driver: PLACED },
  stop: { driver: PLACED },
  link: { link: LINK },
  unlink: { link: LINK },
});

const BATCHES = list(list(CHANGE, LIMITS.drivers + LIMITS.routes), LIMITS.drivers + LIMITS.routes);

const MOVE = tagged({
  restart: { driver: NAME, budget: count, withinNs: count },
  fallback: { trip: NAME, unlink: list(NAME, LIMITS.routes), link: list(LINK, LIMITS.routes) },
});

const PLAN = object({
  version: oneOf(PLAN_VERSION),
  panel: NAME,
  base: object({ plan: nullable(HASH), graph: HASH }),
  from: GRAPH,
  to: GRAPH,
  batches: BATCHES,
  inverse: BATCHES,
  moves: list(MOVE, LIMITS.drivers + LIMITS.routes),
  reasons: list(
    object({ route: NAME, chosen: text, others: list(object({ candidate: text, why: text }), LIMITS.drivers) }),
    LIMITS.routes,
  ),
  placements: list(
    object({ driver: NAME, chosen: text, others: list(object({ candidate: text, why: text }), LIMITS.plan.cpus) }),
    LIMITS.drivers,
  ),
  predictions: list(object({ route: NAME, p99Ns: nullable(count), why: text }), LIMITS.routes),
  // Their keys become names of files: nothing but a driver's name may be one.
  gates: object({
    policy: HASH,
    manifests: record(HASH, LIMITS.drivers, NAME),
    closures: record(HASH, LIMITS.drivers, NAME),
  }),
  inputs: object({ config: HASH, facts: HASH, solver: text, planner: text, fingerprint: HASH }),
  objective: object({ latency: number, crossNode: number, churn: number }),
});
