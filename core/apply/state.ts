/**
 * What the apply machine knows between two events: plain readonly data. What the log says is here as `committed`, `serving`
 * and `open`; what the keeper says is `facts`; what is being done is `phase`.
 */
import { type Issue, ok, type Result } from "../errors.ts";
import type { Inventory, KeeperRequest, OpenToken, Tag, Transition } from "../keeper.ts";
import type { Graph } from "../model/graph.ts";
import type { DriverName, Instance, PlanId } from "../model/names.ts";
import type { Plan } from "../model/plan.ts";
import type { Tools } from "./cells.ts";
import { committedOf } from "./committed.ts";
import type { Act, Committed, Prepared, WalRecord } from "./types.ts";

export interface Machine {
  readonly tools: Tools;
  /** Deadline of prepare, of acknowledging a flip, and of acknowledging its inverse. */
  readonly prepareWithinNs: number;
  readonly committed: Committed;
  /** By the log: which instance serves each driver of Desired. It may have exited since. */
  readonly serving: Readonly<Record<string, Instance>>;
  /** The D that nothing has closed. */
  readonly open: WalRecord | null;
  /** The highest epoch number that the log or any keeper has named. */
  readonly lastEpoch: number;
  /** The highest instance number of each driver that the log or any keeper has named. */
  readonly numbers: Readonly<Record<string, number>>;
  /** The keeper's last inventory, brought up to date by its events. */
  readonly facts: Inventory;
  /** Cells that this panel has started. */
  readonly cells: Readonly<Record<string, Cell>>;
  /** Requests without an answer, oldest first. */
  readonly asked: readonly Asked[];
  readonly queue: readonly Queued[];
  /** Drivers of Desired that stay down, and why: shown as degraded. */
  readonly down: Readonly<Record<string, string>>;
  /** How the last instance of a driver ended that ended under the committed plan, as this panel has heard. */
  readonly ends: Readonly<Record<string, string>>;
  /** What each driver's serving instance has told last of a failure of its own: a claim, and shown as one. */
  readonly said: Readonly<Record<string, Said>>;
  /** When each driver was restarted, oldest first. */
  readonly restarts: Readonly<Record<string, readonly number[]>>;
  /** Set while recovery waits for room in the log: the timer after which it tries again. */
  readonly unrecovered: number | null;
  /** Numbers jobs and timers. */
  readonly counter: number;
  /** Whoever asked for this waits for what recovery makes of it. */
  readonly pending: Job | null;
  readonly phase: Phase;
}

export interface Said {
  readonly instance: Instance;
  readonly code: string;
  readonly message: string;
}

export interface Cell {
  readonly tokens: readonly OpenToken[];
  readonly stopWithinNs: number;
}

export interface Asked {
  readonly request: KeeperRequest;
  /** The job that waits for the answer; 0: none does. */
  readonly job: number;
}

export interface Queued {
  readonly id: number;
  readonly act: Act;
}

/** One thing that the machine does from beginning to end. */
export interface Job {
  /** Its own number, by which late answers are told from those that count. */
  readonly number: number;
  /** The asker's id; 0: begun by the machine. */
  readonly id: number;
  readonly work: Work;
  /** Set once facts were looked at. */
  readonly target: Target | null;
  readonly prepared: Prepared | null;
  /** Desired when it began. */
  readonly left: Graph | null;
  /** How far the keeper went with it. */
  readonly reached: "nothing" | "staged" | "flipped";
  readonly issues: readonly Issue[];
  /** Drivers that could not be started and that this job goes on without. */
  readonly givenUp: readonly DriverName[];
  /** Instances that made it fail: nobody waits for them any more. */
  readonly culprits: readonly Instance[];
  /** How often it looked; bounded, so that it ends. */
  readonly looks: number;
  readonly changed: boolean;
}

export type Work =
  | Act
  | { readonly kind: "recover" }
  | { readonly kind: "restart"; readonly driver: DriverName }
  /** What was flipped was flipped back, onto drivers that ended meanwhile: they are started again. */
  | { readonly kind: "return" };

/** What the graph is to become, and which record makes it true. */
export interface Target {
  readonly graph: Graph;
  readonly record:
    | {
      readonly kind: "C";
      readonly act: "apply" | "rollback";
      readonly plan: PlanId | null;
      readonly document: Plan | null;
      readonly serial: number;
      readonly signers: readonly string[];
    }
    | { readonly kind: "M"; readonly move: string; readonly why: string };
  readonly tag: Tag;
  /** Drivers that are given up: nobody waits for them. */
  readonly abandoned: readonly DriverName[];
  /** Drivers that are down and that it starts, beside those that it changes. */
  readonly start: readonly DriverName[];
}

export type Phase =
  /** No keeper is attached. */
  | { readonly kind: "detached" }
  | { readonly kind: "idle" }
  /** Room in the log and fresh facts were asked for. */
  | { readonly kind: "looking"; readonly job: Job; readonly reserved: boolean | null; readonly looked: boolean }
  | { readonly kind: "starting"; readonly job: Job; readonly waiting: readonly Instance[]; readonly timer: number }
  | Barrier<"staging">
  | Barrier<"sealing">
  | { readonly kind: "deciding"; readonly job: Job }
  | { readonly kind: "flipping"; readonly job: Job }
  | { readonly kind: "acknowledging"; readonly job: Job; readonly waiting: readonly Instance[]; readonly timer: number }
  | { readonly kind: "verifying"; readonly job: Job }
  | { readonly kind: "committing"; readonly job: Job }
  /** The inverse flip, or before a flip the discard, was asked for. */
  | { readonly kind: "undoing"; readonly job: Job; readonly transition: Transition; readonly flipped: boolean }
  | {
    readonly kind: "returning";
    readonly job: Job;
    readonly transition: Transition;
    readonly timer: number;
    /** Those who did not go back in time were killed. */
    readonly killed: boolean;
  }
  | { readonly kind: "retracting"; readonly job: Job }
  /** A move that the keeper made and the log does not name is being logged. */
  | { readonly kind: "adopting"; readonly job: Job }
  /** Instances that serve nobody are ended, and then what they used is freed. */
  | {
    readonly kind: "cleaning";
    readonly job: Job;
    readonly then: "done" | "fail" | "look";
    readonly waiting: readonly Instance[];
    /** Those who are stopped when the ones before them have exited, rank by rank. */
    readonly later: readonly (readonly Instance[])[];
    /** Answers to settle and discard that are still to come; null: not asked yet. */
    readonly freeing: number | null;
    readonly timer: number;
  }
  /** The log is poisoned, or the keeper did what it must not: the panel is to be restarted from disk. */
  | { readonly kind: "frozen"; readonly why: string };

interface Barrier<Kind extends string> {
  readonly kind: Kind;
  readonly job: Job;
  readonly waiting: readonly Instance[];
  readonly answered: boolean;
  readonly timer: number;
}

export const NO_FACTS: Inventory = { epoch: 0, lastEpoch: 0, instances: [], regions: [], transitions: [] };

/** The machine as it is when a panel starts: what the log says, and no keeper yet. */
export function initial(
  records: readonly WalRecord[],
  tools: Tools,
  options: { readonly prepareWithinNs: number },
): Result<Machine> {
  const known = committedOf(records, tools);
  if (!known.ok) return known;
  return ok({
    tools,
    prepareWithinNs: options.prepareWithinNs,
    ...known.value,
    facts: NO_FACTS,
    cells: {},
    asked: [],
    queue: [],
    down: {},
    ends: {},
    said: {},
    restarts: {},
    unrecovered: null,
    counter: 0,
    pending: null,
    phase: { kind: "detached" },
  });
}
