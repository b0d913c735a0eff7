/**
 * The apply as a state machine with effects as data: `step(state, event)` decides, the panel's loop does, and what came of
 * it is the next event. Specified in `specs/Apply.tla`; the table of DESIGN's "Apply" is in `docs/adr/`.
 */
import type { CellSpec, Inventory, KeeperEvent, KeeperRequest, Transition } from "../keeper.ts";
import type { Graph } from "../model/graph.ts";
import type { DriverName, Hash, Instance, PlanId } from "../model/names.ts";
import type { AdmittedPlan, Plan } from "../model/plan.ts";
import type { Issue } from "../errors.ts";
import type { Lane } from "./layout.ts";

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

/** When it was written: milliseconds since 1970, by the wall clock. For people; nothing is decided by it. */
interface Dated {
  readonly at?: number;
}

export type WalBody =
  & Dated
  & (
    /** The panel may flip. `instances` maps each driver of the new graph to the instance that serves it. */
    | {
      readonly kind: "D";
      readonly act: "apply" | "rollback";
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
      /** `restart:imu`, `restore`, `fallback:attitude`, `cut:video`, or `return:` and one of the last two. */
      readonly move: string;
      /** The epochs that it consumed, both 0 when there was nothing to flip: never used again, on no keeper. */
      readonly forward: number;
      readonly inverse: number;
      readonly instances: Readonly<Record<string, string>>;
      readonly why: string;
    }
  );

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
  /** Makes the keeper's facts equal to Desired: cold boot, recovery, repair of drift. */
  | { readonly kind: "restore" }
  /** A fallback or a cut that the committed plan permits, or the return from one that is in force. */
  | { readonly kind: "move"; readonly move: string; readonly why: string };

/** Whether what was asked for is there: the disk may have no room, or the log has reached its size. */
export type Room = "made" | "noDisk" | "noLog";

export type ApplyEvent =
  /** `id` is the loop's, above 0, and comes back in `progress` and `end`. Acts wait for their turn inside the machine. */
  | { readonly kind: "begin"; readonly id: number; readonly act: Act; readonly nowNs: number }
  /** The panel is attached to a keeper, a new one or one that went on: recovery begins, and acts wait for its end. */
  | { readonly kind: "attached"; readonly inventory: Inventory; readonly nowNs: number }
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
  | { readonly kind: "reserved"; readonly room: Room; readonly nowNs: number }
  | { readonly kind: "synced"; readonly record: WalRecord; readonly nowNs: number }
  | { readonly kind: "syncFailed"; readonly record: WalRecord; readonly why: string; readonly nowNs: number }
  | { readonly kind: "deadline"; readonly timer: number; readonly nowNs: number };

export type Effect =
  /** Asked in this order, and answered in this order by `replied` or `refused`. */
  | { readonly kind: "ask"; readonly request: KeeperRequest }
  /** Make sure that the log has room for this many bytes more; answered by `reserved`. */
  | { readonly kind: "reserve"; readonly bytes: number }
  /** Append and fdatasync before anything after it is done; answered by `synced` or `syncFailed`. */
  | { readonly kind: "log"; readonly body: WalBody }
  | { readonly kind: "timer"; readonly timer: number; readonly afterNs: number }
  | { readonly kind: "cancel"; readonly timer: number }
  /** `id` 0: begun by the machine itself (recovery, a restart). */
  | { readonly kind: "progress"; readonly id: number; readonly step: ApplyStep; readonly detail: string }
  | { readonly kind: "end"; readonly id: number; readonly outcome: Outcome };

export type ApplyStep =
  | "recover"
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

/** What a transition would look like, before the keeper is asked: pure, from facts and a target. */
export interface Prepared {
  readonly transition: Transition;
  /** In the order in which they are started. */
  readonly spawn: readonly CellSpec[];
  /** Who serves each driver of the target once it is in force; drivers that are down and stay so are missing. */
  readonly serving: Readonly<Record<string, Instance>>;
  /** Drivers of the target that are down and that it does not start. */
  readonly exempt: readonly DriverName[];
  /** All lanes of the target, those that stay and those that are added. */
  readonly lanes: readonly Lane[];
  /** The inodes of the regions that there were. */
  readonly inodes: ReadonlyMap<number, number>;
}
