/** The keeper's inventory as a graph: what runs and what is wired, by facts; what drivers claim stands apart. */
import type { Inventory, LaneSpec, Sandbox } from "../keeper.ts";
import { type DriverName, type Instance, splitInstance } from "../model/names.ts";
import type { RouteName } from "../model/names.ts";

export interface Observed {
  readonly epoch: number;
  readonly drivers: readonly ObservedDriver[];
  readonly links: readonly ObservedLink[];
  /** Regions that no lane uses, and transitions that are neither settled nor discarded. */
  readonly unused: readonly number[];
  readonly staged: readonly number[];
}

export interface ObservedDriver {
  readonly driver: DriverName;
  readonly instance: Instance;
  readonly pid: number;
  readonly state: "starting" | "parked" | "running" | "exited";
  readonly exit: number | null;
  readonly sandbox: Sandbox;
  readonly connected: boolean;
  readonly claims: { readonly acknowledged: number; readonly opened: readonly string[] };
}

export interface ObservedLink {
  readonly route: RouteName;
  readonly lane: number;
  /** `driver/endpoint` of each end as the keeper staged it; null where that end has no such lane. */
  readonly from: string | null;
  readonly to: string | null;
  readonly producer: Instance | null;
  readonly consumer: Instance | null;
  /** Both regions of it are there, with all their seals. */
  readonly sealed: boolean;
}

const SEALS: readonly string[] = ["shrink", "grow", "futureWrite", "seal"];

export function observed(inventory: Inventory): Observed {
  const sealed = new Set(
    inventory.regions.filter(({ seals }) => SEALS.every((each) => seals.includes(each))).map((each) => each.region),
  );
  const links = linksOf(inventory, sealed);
  const used = new Set(
    inventory.instances.flatMap(({ lanes }) => lanes.flatMap((each) => [each.ringRegion, each.creditRegion])),
  );
  return {
    epoch: inventory.epoch,
    drivers: inventory.instances.map((each) => ({
      driver: splitInstance(each.instance)?.driver ?? (each.instance as string as DriverName),
      instance: each.instance,
      pid: each.pid,
      state: each.state,
      exit: each.exit,
      sandbox: each.sandbox,
      connected: each.connected,
      claims: { acknowledged: each.acknowledged, opened: each.opened },
    })),
    links,
    unused: inventory.regions.map((each) => each.region).filter((each) => !used.has(each)),
    staged: inventory.transitions.map((each) => each.id),
  };
}

/** Lanes of those who live, put together from their two ends. */
function linksOf(inventory: Inventory, sealed: ReadonlySet<number>): readonly ObservedLink[] {
  const lanes = new Map<number, ObservedLink>();
  for (const { instance, state, lanes: specs } of inventory.instances) {
    if (state === "exited") continue;
    for (const spec of specs) {
      const half = lanes.get(spec.lane) ?? blank(spec, sealed);
      const end = `${splitInstance(instance)?.driver ?? instance}/${spec.endpoint}`;
      const whole = spec.side === "producer"
        ? { ...half, from: end, producer: instance }
        : { ...half, to: end, consumer: instance };
      lanes.set(spec.lane, whole);
    }
  }
  return [...lanes.values()].sort((one, other) => one.route < other.route ? -1 : one.route > other.route ? 1 : 0);
}

function blank(spec: LaneSpec, sealed: ReadonlySet<number>): ObservedLink {
  const isSealed = sealed.has(spec.ringRegion) && sealed.has(spec.creditRegion);
  const { route, lane } = spec;
  return { route, lane, from: null, to: null, producer: null, consumer: null, sealed: isSealed };
}
