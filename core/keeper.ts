/**
 * What the panel says to the keeper and hears from it, as values. `ffi/control` is the same on the wire, and says
 * it to `cli/adapters/keeper.ts` as JSON of these very shapes; the fake keeper of the simulator speaks these types directly.
 *
 * A lane is described once, in bytes from the start of its regions; sizes come from here and never from shared memory.
 */
import type { Backpressure, FieldType, Stdio, Wait } from "./model/config.ts";
import type { DriverName, Hash, Instance, RouteName, Saddr } from "./model/names.ts";

/** Why something runs: which plan (or none, for the restart of a committed graph) and which move. */
export interface Tag {
  readonly plan: string;
  /** Empty for the plan itself, else `restart:imu`, `fallback:attitude`. */
  readonly move: string;
}

export interface Region {
  readonly region: number;
  /** The one instance that maps it writable, and the one that reads it. */
  readonly writer: Instance;
  readonly reader: Instance;
  readonly bytes: number;
}

export type Side = "producer" | "consumer";

/** One lane as one of its two drivers sees it. Offsets are bytes, 64-byte aligned. */
export interface LaneSpec {
  readonly lane: number;
  readonly route: RouteName;
  readonly routeId: number;
  readonly side: Side;
  /** The endpoint of this driver that uses the lane. */
  readonly endpoint: string;
  readonly peer: Instance;
  /** Written by the producer: its page at `producerPage`, the ring at `ring`, `ringBytes` long (a power of two). */
  readonly ringRegion: number;
  readonly producerPage: number;
  readonly ring: number;
  readonly ringBytes: number;
  /** Written by the consumer: its page (credit, acknowledged epoch, histogram). */
  readonly creditRegion: number;
  readonly consumerPage: number;
  readonly maxFrameBytes: number;
  readonly backpressure: Backpressure;
  readonly blockNs: number;
  readonly wait: Wait;
  readonly spinNs: number;
  readonly drainWithinNs: number;
  /** 0: none. The consumer counts samples over it exactly. */
  readonly budgetNs: number;
  /** Declared frames a second, 0: not said. */
  readonly rateHz: number;
}

/**
 * Two immutable bindings for one driver: all lanes that it uses once the epoch is `forward`, and once it is `inverse`
 * (a flip back). `mustAcknowledge` is false for a driver that is given up (stalled or dead): the flip does not wait for it.
 */
export interface StagedBinding {
  readonly instance: Instance;
  readonly forward: readonly LaneSpec[];
  readonly inverse: readonly LaneSpec[];
  readonly mustAcknowledge: boolean;
}

export interface Transition {
  /** Equal to `forward`; epochs are never used twice, so neither is a transition's id. */
  readonly id: number;
  readonly from: number;
  readonly forward: number;
  readonly inverse: number;
  readonly regions: readonly Region[];
  readonly bindings: readonly StagedBinding[];
}

/** Permission to open one endpoint of one instance. Made by the panel at random; the keeper holds its SHA-256. */
export interface OpenToken {
  readonly endpoint: string;
  readonly verb: "send" | "receive";
  /** 32 random bytes, hexadecimal. */
  readonly token: string;
  /** CLOCK_MONOTONIC nanoseconds. */
  readonly expiresNs: number;
}

export interface CellEndpoint {
  readonly name: string;
  readonly direction: "in" | "out";
  readonly contract: string;
  /** The version that the driver is declared to be written for. */
  readonly version: string;
  readonly capabilities: readonly string[];
  readonly fields: readonly CellField[];
  /** What a record is since each version that added something, oldest first; empty for opaque payloads. */
  readonly layouts: readonly CellLayout[];
  readonly dependsOn: readonly string[];
}

export interface CellField {
  readonly name: string;
  readonly type: FieldType;
  readonly count: number;
  readonly offset: number;
  /** The bytes of one element of its default; what is missing at the end is zeroes. */
  readonly default: readonly number[];
}

export interface CellLayout {
  readonly since: string;
  readonly bytes: number;
  readonly hash: Hash;
}

/** All that the keeper needs to start one driver in its cell. */
export interface CellSpec {
  readonly instance: Instance;
  readonly tag: Tag;
  /** `rtt:NAME` first for a built-in driver, else an absolute path or one below `/driver` (the closure's files). */
  readonly run: readonly string[];
  readonly env: readonly (readonly [string, string])[];
  /** Set for a program joined by the built-in `exec`. */
  readonly stdio: Stdio | null;
  readonly endpoints: readonly CellEndpoint[];
  /** Store objects shown read-only at `/driver/<path>`. */
  readonly closure: readonly { readonly path: string; readonly hash: Hash; readonly executable: boolean }[];
  readonly files: readonly { readonly path: string; readonly access: "r" | "rw" }[];
  readonly network: boolean;
  readonly cpus: readonly number[];
  readonly memoryBytes: number;
  readonly openFiles: number;
  readonly stopWithinNs: number;
  readonly startEarly: boolean;
  /** False when a signed waiver lets this driver run without isolation. */
  readonly isolated: boolean;
  readonly tokens: readonly OpenToken[];
  /** Position in the order in which drivers are ended when no panel is there (ascending). */
  readonly stopOrder: number;
}

/** Each request is answered once, in order, by `done` or `refused` (`KeeperReply`). */
export type KeeperRequest =
  | { readonly kind: "inventory" }
  | { readonly kind: "spawn"; readonly cell: CellSpec }
  /** Makes the regions and shows each concerned driver its two bindings; `mapped` events follow. */
  | { readonly kind: "stage"; readonly transition: Transition }
  /** After all `mapped`: seals, checks, hands read-only descriptors to readers; `ready` events follow. */
  | { readonly kind: "seal"; readonly transition: number }
  /** The compare-and-swap of the epoch word; refused when it is not `from`. `acknowledged` events follow. */
  | { readonly kind: "flip"; readonly from: number; readonly to: number }
  /** Before a flip: forget the transition and its regions. Its epochs stay used. */
  | { readonly kind: "discard"; readonly transition: number }
  /** After commit: the bindings before (or, after an inverse flip, of `forward`) are gone, and regions without lanes. */
  | { readonly kind: "settle"; readonly transition: number }
  | { readonly kind: "stop"; readonly instance: Instance; readonly withinNs: number }
  | { readonly kind: "answerOpen"; readonly instance: Instance; readonly request: number; readonly refusal: string }
  /** Events up to this sequence number need not be redelivered. */
  | { readonly kind: "acknowledge"; readonly seq: number }
  /** How long drivers go on without a panel. */
  | { readonly kind: "configure"; readonly noPanelForNs: number; readonly logBytes: number }
  /** Ends every driver in order, then the keeper itself. */
  | { readonly kind: "shutdown" };

export type KeeperReply =
  | { readonly kind: "done"; readonly epoch: number; readonly inventory: Inventory | null }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** Facts as the keeper holds them: from pidfds, descriptors and seals, with drivers' claims apart. */
export interface Inventory {
  readonly epoch: number;
  /** The highest epoch number ever staged: the next transition starts above it. */
  readonly lastEpoch: number;
  readonly instances: readonly InstanceFact[];
  readonly regions: readonly RegionFact[];
  /** Staged and neither discarded nor settled. */
  readonly transitions: readonly Transition[];
}

export interface InstanceFact {
  readonly instance: Instance;
  readonly tag: Tag;
  readonly pid: number;
  readonly state: "starting" | "parked" | "running" | "exited";
  /** Wait status when exited: exit code 0–255, or −signal. */
  readonly exit: number | null;
  /** Claimed by the driver: the last epoch whose transitions it has performed. */
  readonly acknowledged: number;
  readonly opened: readonly string[];
  /** The lanes of its binding in the current epoch, as staged. */
  readonly lanes: readonly LaneSpec[];
  readonly sandbox: Sandbox;
  /** Whether the keeper still hears it; one that it has given up, or that says that it can't, is as good as dead. */
  readonly connected: boolean;
}

/** What was enforced on a cell, each with how: `landlock: "abi 7"`, `seccomp: "filter"`, `uid: "range"` or `"single"`. */
export type Sandbox = Readonly<Record<string, string>>;

export interface RegionFact {
  readonly region: number;
  readonly writer: Instance;
  readonly reader: Instance;
  readonly bytes: number;
  readonly inode: number;
  /** F_GET_SEALS, as names: `shrink`, `grow`, `futureWrite`, `seal`. */
  readonly seals: readonly string[];
}

export type KeeperEvent =
  & { readonly seq: number }
  & (
    | { readonly kind: "hello"; readonly instance: Instance; readonly protocol: number; readonly kit: string }
    /** The driver asks to open an endpoint; the keeper has checked the token against its own table already. */
    | {
      readonly kind: "open";
      readonly instance: Instance;
      readonly request: number;
      readonly saddr: Saddr;
      readonly verb: "send" | "receive";
      readonly token: string;
    }
    /** Every endpoint of its manifest is open and it waits for bindings. */
    | { readonly kind: "parked"; readonly instance: Instance }
    | { readonly kind: "mapped"; readonly instance: Instance; readonly transition: number }
    | { readonly kind: "ready"; readonly instance: Instance; readonly transition: number }
    | { readonly kind: "acknowledged"; readonly instance: Instance; readonly epoch: number }
    | { readonly kind: "failed"; readonly instance: Instance; readonly code: string; readonly message: string }
    | { readonly kind: "exited"; readonly instance: Instance; readonly exit: number }
    /** The connection to the keeper ended: made up by the panel's side of the link, never sent. */
    | { readonly kind: "lost"; readonly why: string }
  );

/** One lane's figures, read by the panel's native side from pages that drivers write: numbers, checked, never trusted. */
export interface LaneFigures {
  readonly lane: number;
  readonly route: RouteName;
  readonly producer: Instance;
  readonly consumer: Instance;
  readonly sent: number;
  readonly received: number;
  readonly drops: Drops;
  /** Frames sent and not yet credited. */
  readonly depth: number;
  /** Age of the oldest of them, 0 when there is none. */
  readonly oldestNs: number;
  /** Cumulative: samples and those over the budget, from the consumer's page. */
  readonly samples: number;
  readonly over: number;
  /** The same two by the producer's own account of age at credit: the second witness. */
  readonly producerSamples: number;
  readonly producerOver: number;
  /** Frames of which that witness can't tell, since it looks only when it sends: they may have been over the budget or not. */
  readonly producerUnsure: number;
  /** Cumulative histogram counts, one per bucket of `ffi/lane/src/histogram.rs`. */
  readonly histogram: readonly number[];
  readonly active: boolean;
}

/** In the order of `DROP_NAMES` of `ffi/lane/src/layout.rs`. */
export const DROP_REASONS = [
  "full",
  "superseded",
  "corrupt",
  "tooLarge",
  "duplicate",
  /** The ring of a broadcast lane went round before a slow reader came to it. */
  "overwritten",
  /** Passed over for a newer one by a reader that keeps the latest. */
  "outdated",
  /** Came further over buses than its time to live. */
  "expired",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
export type Drops = Readonly<Record<DropReason, number>>;

/** So many for each reason. */
export function dropsOf(count: (reason: DropReason, index: number) => number): Drops {
  return Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, count(reason, index)])) as Drops;
}

export interface DriverOutput {
  readonly driver: DriverName;
  readonly text: string;
}

/** Of a failure: it is one lane's, which its driver reports while it goes on; any other is the driver's own. */
export function isOfALane(code: string): boolean {
  return code.startsWith("lane.");
}
