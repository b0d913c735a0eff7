/**
 * The decision: a pure function of the scenario, content-addressed by the SHA-256 of its canonical bytes. Types carry the
 * stage; only `core/trust/admit.ts` makes an `AdmittedPlan`, and only that can be applied.
 */
import type { Graph, Link, PlacedDriver } from "./graph.ts";
import type { DriverName, Hash, PlanId, RouteName } from "./names.ts";

export const PLAN_VERSION = 1;

export interface Plan {
  readonly version: typeof PLAN_VERSION;
  readonly panel: string;
  readonly base: { readonly plan: PlanId | null; readonly graph: Hash };
  /** The committed graph that the plan starts from, and the graph that it makes. */
  readonly from: Graph;
  readonly to: Graph;
  /** Executed in order, each batch whole; topological, then by stable key. */
  readonly batches: readonly (readonly Change[])[];
  readonly inverse: readonly (readonly Change[])[];
  readonly moves: readonly Move[];
  readonly reasons: readonly Reason[];
  readonly placements: readonly Placement[];
  readonly predictions: readonly Prediction[];
  /** Everything that gates execution, by content hash. */
  readonly gates: {
    readonly policy: Hash;
    readonly manifests: Readonly<Record<string, Hash>>;
    readonly closures: Readonly<Record<string, Hash>>;
  };
  readonly inputs: {
    readonly config: Hash;
    readonly facts: Hash;
    readonly solver: string;
    readonly planner: string;
    readonly fingerprint: Hash;
  };
  readonly objective: { readonly latency: number; readonly crossNode: number; readonly churn: number };
}

/** One step. A driver whose bytes, manifest or cpus change is a start of the new and a stop of the old. */
export type Change =
  | { readonly kind: "start"; readonly driver: PlacedDriver }
  | { readonly kind: "stop"; readonly driver: PlacedDriver }
  | { readonly kind: "link"; readonly link: Link }
  | { readonly kind: "unlink"; readonly link: Link };

/** What may change without a new plan. */
export type Move =
  | { readonly kind: "restart"; readonly driver: DriverName; readonly budget: number; readonly withinNs: number }
  | {
    readonly kind: "fallback";
    /** The route whose trip makes the move. */
    readonly trip: RouteName;
    readonly unlink: readonly RouteName[];
    readonly link: readonly Link[];
  };

export interface Reason {
  readonly route: RouteName;
  readonly chosen: string;
  /** Every other candidate and why it is not it: `denied by policy.cue:12:3`, `version 2.0.0 is outside ^1.0`, `costs more: …`. */
  readonly others: readonly { readonly candidate: string; readonly why: string }[];
}

/** Why a driver is where it is. */
export interface Placement {
  readonly driver: DriverName;
  /** `pinned to cpu 2 of node 0`. */
  readonly chosen: string;
  /** Every other group of cpus, and why it is not there: `full: …`, `farther: …`, `as good: …`. */
  readonly others: readonly { readonly candidate: string; readonly why: string }[];
}

export interface Prediction {
  readonly route: RouteName;
  /** Nanoseconds, or null with the reason. */
  readonly p99Ns: number | null;
  readonly why: string;
}

/** A signature over a DSSE payload. */
export interface Envelope {
  readonly payloadType: string;
  /** Base64 of an in-toto statement's bytes. */
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** `plans/<id>.json`, parsed but not yet believed. */
export interface PlanFile {
  readonly plan: string; // base64 of the plan's canonical bytes
  readonly envelopes: readonly Envelope[];
}

/** The predicate of a grant. */
export interface Grant {
  readonly panel: string;
  readonly predecessor: PlanId | null;
  readonly serial: number;
  /** Milliseconds since 1970, as in `Clock.wallMs`. */
  readonly notBefore: number;
  readonly notAfter: number;
}

declare const admitted: unique symbol;
/** A plan whose bytes, signatures, base and window hold here and now. Made by `admit` alone. */
export interface AdmittedPlan {
  readonly id: PlanId;
  readonly plan: Plan;
  /** What was verified, of which `plan` is the value. */
  readonly bytes: Uint8Array;
  readonly grant: Grant;
  readonly signers: readonly string[];
  readonly [admitted]: true;
}
