/**
 * The wiring: which drivers run, from which bytes, where, and which links join them. `Desired` and the committed graph are
 * values of this type; it goes into plans, so that it holds no time, no process id and no instance number.
 */
import type { Backpressure, OnTrip, RouteClass, Wait } from "./config.ts";
import type { ContractName, DriverName, EndpointName, Hash, RouteName } from "./names.ts";

export interface Graph {
  /** Sorted by name. */
  readonly drivers: readonly PlacedDriver[];
  /** Sorted by route. */
  readonly links: readonly Link[];
}

export interface PlacedDriver {
  readonly driver: DriverName;
  /** Of the manifest's canonical bytes. */
  readonly manifest: Hash;
  /** Of the sorted list of (path, SHA-256) of every file that the driver runs. */
  readonly closure: Hash;
  /** Allowed cpus, ascending; a driver with `cpu: "any"` has all of its group. */
  readonly cpus: readonly number[];
  readonly node: number;
}

export interface LinkEnd {
  readonly driver: DriverName;
  readonly endpoint: EndpointName;
}

export interface Link {
  readonly route: RouteName;
  /** First four bytes of SHA-256 of the route's name, little endian: what frames carry. Unique in a graph. */
  readonly routeId: number;
  readonly class: RouteClass;
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  readonly contract: ContractName;
  /** The version that both agreed on, `1.2.0`. */
  readonly version: string;
  readonly critical: boolean;
  readonly budgetNs: number | null;
  readonly stallNs: number | null;
  readonly rateHz: number | null;
  readonly onTrip: OnTrip;
  readonly backpressure: Backpressure;
  readonly blockNs: number;
  readonly wait: Wait;
  readonly spinNs: number;
  readonly ringBytes: number;
  readonly maxFrameBytes: number;
  readonly drainWithinNs: number;
  /** Of class `bus`: how many hops a frame lives, and whether one that comes twice is dropped. Null for other classes. */
  readonly ttl: number | null;
  readonly dedupe: boolean | null;
}

export const EMPTY_GRAPH: Graph = { drivers: [], links: [] };
