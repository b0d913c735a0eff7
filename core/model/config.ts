/**
 * What people declare, after CUE has unified it with the schema and filled in the defaults, and after `parse` has checked
 * it: durations are nanoseconds, versions are parsed, addresses are split. Everything here is in the user's own words;
 * nothing has been decided yet.
 */
import type { ContractName, DriverName, EndpointName, RouteName } from "./names.ts";
import type { Range, Version } from "./version.ts";

/** A place in the text of a user. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Config {
  readonly panel: PanelConfig;
  readonly contracts: ReadonlyMap<ContractName, Contract>;
  readonly drivers: ReadonlyMap<DriverName, Driver>;
  readonly routes: ReadonlyMap<RouteName, Route>;
  readonly policy: Policy;
}

export interface PanelConfig {
  readonly name: string;
  /** How long the keeper goes on without a panel before it ends the drivers in order (default 60 s). */
  readonly noPanelForNs: number;
  /** Deadline of prepare and of acknowledging a flip (default 2 s). */
  readonly prepareWithinNs: number;
}

export type Scalar = "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64" | "f32" | "f64" | "bool";

export type FieldType = Scalar | "bytes" | "string";

/** A field of a fixed-layout record. A list of them is in the order of their ordinals, which is the layout's. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Elements of a fixed array; for `bytes` and `string` the most bytes that they hold. */
  readonly count: number;
  readonly unit: string | null;
  /** The version that it came with. */
  readonly since: Version;
  /** Names of an unsigned integer's values, by value: the field is an enum. Empty: it is none. */
  readonly values: readonly EnumValue[];
  /** What a reader has where the sender's version did not know the field; for an array each element. Null: zeroes. */
  readonly default: number | boolean | string | null;
}

export interface EnumValue {
  readonly name: string;
  readonly value: number;
  readonly since: Version;
}

/** One version of a contract and its layout. */
export interface ContractVersion {
  readonly version: Version;
  /** Empty: the payload is opaque bytes. */
  readonly fields: readonly Field[];
}

export interface Contract extends ContractVersion {
  readonly name: ContractName;
  readonly capabilities: readonly string[];
  /** Versions of which drivers are still about, newest first. */
  readonly earlier: readonly ContractVersion[];
  readonly place: Place;
}

/** An endpoint's contract: an `out` offers an exact version, an `in` accepts a range. */
export interface Endpoint {
  readonly name: EndpointName;
  readonly direction: "in" | "out";
  readonly contract: ContractName;
  /** An `out` has the one version it sends as a range of one. */
  readonly accepts: Range;
  /** Capabilities this endpoint offers (out) or needs (in). */
  readonly capabilities: readonly string[];
  /** For an `out`: the inputs its frames depend on (declared in → out dependence; what cycles are judged on). */
  readonly dependsOn: readonly EndpointName[];
}

/** How a program that does not link the driver kit is joined to lanes by the built-in `exec` driver. */
export interface Stdio {
  readonly io: "pipe" | "pty";
  /** `lines`: a record is one line of text, fields separated by blanks; `fixed`: its bytes; `prefixed`: u32 LE length. */
  readonly frame: { readonly kind: "lines" } | { readonly kind: "fixed"; readonly bytes: number } | {
    readonly kind: "prefixed";
  };
  /** `exec` takes the output as complete after this much silence, when a lane is to be ended (default 2 ms). */
  readonly quietNs: number;
  /** Bring-up fails when a first input frame has no output after this long; 0: never asked (default 1 s). */
  readonly answerWithinNs: number;
}

export interface Driver {
  readonly name: DriverName;
  /** argv. `rtt:NAME` as its first word is a built-in driver; else a program of the host or a project-relative path. */
  readonly run: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  /** `kit`: links the driver kit. `stdio`: joined by `exec`. */
  readonly speaks: "kit" | "stdio";
  readonly stdio: Stdio;
  readonly endpoints: ReadonlyMap<EndpointName, Endpoint>;
  /** Absolute or project-relative path → what the driver may do with it. */
  readonly files: ReadonlyMap<string, "r" | "rw">;
  /** Project-relative files that the program loads besides its argv (scripts, models): hashed with it. */
  readonly closure: readonly string[];
  /** False: no socket of any family. True needs a policy that grants it. */
  readonly network: boolean;
  readonly cpu: "any" | "pinned";
  /** Share of one core that the driver needs, in thousandths (default 100). */
  readonly loadPermille: number;
  readonly restart: { readonly budget: number; readonly withinNs: number };
  /** A foreign program is started only when its first lanes are active, unless this is set. */
  readonly startEarly: boolean;
  /** Between SIGTERM and SIGKILL when stopped in order (default 1 s). */
  readonly stopWithinNs: number;
  readonly memoryBytes: number;
  readonly openFiles: number;
  readonly place: Place;
}

/** One end of a route: an endpoint by address, or any driver that offers a matching endpoint. */
export type End =
  | { readonly kind: "saddr"; readonly driver: DriverName; readonly endpoint: EndpointName }
  /** All ends of one `as` are met by the same driver: this is how a service with several endpoints is chosen once. */
  | { readonly kind: "any"; readonly contract: ContractName; readonly range: Range; readonly as: string };

export type RouteClass = "hook" | "api" | "bus";
export type Backpressure = "block" | "dropNewest" | "fail";
export type Wait = "sleep" | "spinThenSleep";
export type OnTrip = "alarm" | "fallback" | "cut" | "rollback";

export interface Route {
  readonly name: RouteName;
  readonly from: End;
  readonly to: End;
  readonly class: RouteClass;
  /** p99 budget over a sliding 10 s, nanoseconds; null: none declared. */
  readonly budgetNs: number | null;
  /** Declared frames a second; null: not said (then no prediction and no admission). */
  readonly rateHz: number | null;
  /** Age of the oldest uncredited frame that trips by itself. */
  readonly stallNs: number | null;
  readonly critical: boolean;
  /** A standby route is no link until a fallback names it; its drivers run all the same. */
  readonly standby: boolean;
  readonly onTrip: OnTrip;
  /** For `onTrip: "fallback"`: which routes end and which standby routes take their place, in one flip. */
  readonly fallback: ReadonlyMap<RouteName, RouteName>;
  readonly backpressure: Backpressure;
  /** Longest time that a producer blocks (backpressure `block`). */
  readonly blockNs: number;
  readonly wait: Wait;
  readonly spinNs: number;
  /** Ring bytes, a power of two. */
  readonly ringBytes: number;
  /** Bound on draining the old lane at a flip; what is left counts as superseded. */
  readonly drainWithinNs: number;
  /** Largest payload in bytes. */
  readonly maxFrameBytes: number;
  /** For class `bus`. */
  readonly ttl: number;
  readonly dedupe: boolean;
  readonly weight: number;
  readonly place: Place;
}

export interface Rule {
  /** `driver/endpoint`, where `*` matches any run of characters inside one half. */
  readonly from: string;
  readonly to: string;
  readonly why: string | null;
  readonly place: Place;
}

export interface Waiver {
  readonly driver: DriverName;
  readonly what: "isolation";
  readonly why: string;
  /** Last day it holds, `YYYY-MM-DD`. */
  readonly until: string;
  readonly place: Place;
}

export interface Policy {
  /** Strict (default): unsigned manifests and policies are refused. */
  readonly strict: boolean;
  readonly allow: readonly Rule[];
  /** A match here wins over `allow`. */
  readonly deny: readonly Rule[];
  /** Drivers that may have network; files that may be written are in the manifests, which are signed. */
  readonly network: readonly DriverName[];
  readonly fanout: readonly RouteName[];
  /** Distinct keys needed for a plan, manifests and the policy. */
  readonly sign: { readonly plan: number; readonly manifest: number; readonly policy: number };
  readonly waive: readonly Waiver[];
}
