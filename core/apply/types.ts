/**
 * The apply as a state machine with effects as data: `step(state, event)` decides, the panel's loop does, and what came of
 * it is the next event. Specified in `specs/Apply.tla`; the table of DESIGN's "Apply" is in `docs/adr/`.
 */
import type { CellSpec, Inventory, KeeperEvent, KeeperRequest, Transition } from "../keeper.ts";
import type { Graph } from "../model/graph.ts";
import type { Hash, PlanId, RouteName } from "../model/names.ts";
import type { AdmittedPlan, Plan } from "../model/plan.ts";
import type { Issue } from "../errors.ts";

/** What the log says is true: the plan of the last C (null: nothing was ever committed), its serial, and active moves. */
export interface Committed {
  readonly plan: PlanId | null;
  readonly document: Plan | null;
  readonly graph: Graph;
  readonly graphHash: Hash;
  readonly serial: number;
  /** Ids of fallbacks in force (`fallback:attitude`), oldest first. */
  readonly moves: readonly string[];
}

export type WalBody =
  /** The panel may flip. `instances` maps each driver of the new graph to the instance that serves it. */
  | {
    readonly kind: "D";
    readonly act: "apply" | "rollback" | "restore";
    readonly plan: PlanId | null;
    readonly serial: number;
    readonly forward: number;
    readonly inverse: number;
    readonly instances: Readonly<Record<string, string>>;
    /** Unchanged drivers that were down already: shown as degraded, never a reason to fail. */
    readonly exempt: readonly string[];
  }
  | {
    readonly kind: "C";
    readonly decision: number;
    readonly plan: PlanId | null;
    readonly serial: number;
    readonly signers: readonly string[];
  }
  /** Undone: the D of `decision` (its seq) with `hash`. */
  | { readonly kind: "R"; readonly decision: number; readonly hash: Hash; readonly why: string }
  | {
    readonly kind: "M";
    readonly move: string;
    readonly instances: Readonly<Record<string, string>>;
    readonly why: string;
  };

export interface WalRecord {
  readonly seq: number;
  readonly body: WalBody;
  readonly prev: Hash;
  readonly hash: Hash;
}

/** What the loop can be asked to begin. Everything else is refused: there is no way to rewire other than these. */
export type Act =
  | { readonly kind: "apply"; readonly admitted: AdmittedPlan }
  | { readonly kind: "rollback" }
  /** Makes the keeper's facts equal to the committed graph: cold boot, recovery, repair of drift. */
  | { readonly kind: "restore" }
  | { readonly kind: "move"; readonly move: string; readonly why: string };

export type ApplyEvent =
  | { readonly kind: "begin"; readonly act: Act; readonly nowNs: number }
  | { readonly kind: "keeper"; readonly event: KeeperEvent; readonly nowNs: number }
  | {
    readonly kind: "replied";
    readonly to: KeeperRequest["kind"];
    readonly epoch: number;
    readonly inventory: Inventory | null;
    readonly nowNs: number;
  }
  | {
    readonly kind: "refused";
    readonly to: KeeperRequest["kind"];
    readonly code: string;
    readonly message: string;
    readonly nowNs: number;
  }
  | { readonly kind: "synced"; readonly record: WalRecord; readonly nowNs: number }
  | { readonly kind: "syncFailed"; readonly record: WalRecord; readonly why: string; readonly nowNs: number }
  | { readonly kind: "deadline"; readonly timer: number; readonly nowNs: number };

export type Effect =
  | { readonly kind: "ask"; readonly request: KeeperRequest }
  /** Append and fdatasync before anything after it is done; answered by `synced` or `syncFailed`. */
  | { readonly kind: "log"; readonly body: WalBody }
  | { readonly kind: "timer"; readonly timer: number; readonly afterNs: number }
  | { readonly kind: "cancel"; readonly timer: number }
  | { readonly kind: "progress"; readonly step: ApplyStep; readonly detail: string }
  | { readonly kind: "end"; readonly outcome: Outcome };

export type ApplyStep =
  | "admit"
  | "start"
  | "stage"
  | "seal"
  | "decide"
  | "flip"
  | "verify"
  | "commit"
  | "settle"
  | "undo";

export type Outcome =
  | { readonly kind: "committed"; readonly plan: PlanId | null; readonly serial: number; readonly changed: boolean }
  | { readonly kind: "rolledBack"; readonly issues: readonly Issue[] }
  | { readonly kind: "refused"; readonly issues: readonly Issue[] }
  /** The log is poisoned: changes freeze and the panel restarts from disk. */
  | { readonly kind: "inDoubt"; readonly issues: readonly Issue[] };

/** What a transition would look like, before the keeper is asked: pure, from two graphs and who serves them. */
export interface Prepared {
  readonly transition: Transition;
  readonly spawn: readonly CellSpec[];
  readonly stop: readonly string[];
  readonly routes: readonly RouteName[];
}
