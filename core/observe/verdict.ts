/** Observed against Desired: every difference as one line of `rtt drift`. No line: they are equal. */
import { isWaived } from "../apply/facts.ts";
import type { Graph, Link } from "../model/graph.ts";
import type { DriverName, Instance } from "../model/names.ts";
import type { Observed, ObservedDriver } from "./facts.ts";

export interface Desired {
  /** The committed plan with its moves in force. */
  readonly graph: Graph;
  readonly serving: Readonly<Record<string, Instance>>;
  /** Whether the committed plan's policy has a driver isolated today. */
  isolated(driver: DriverName): boolean;
  /** Drivers that are known to stay down, and why. */
  readonly down: Readonly<Record<string, string>>;
}

export interface Drift {
  readonly kind: "driver" | "route" | "instance" | "region" | "transition";
  /** Its name: `imu`, `attitude`, `imu.3`, `region 65537`. */
  readonly what: string;
  readonly desired: string;
  readonly observed: string;
  /** It follows from a driver that is known to be down, and was shown as degraded before. */
  readonly degraded: boolean;
}

export function verdict(desired: Desired, facts: Observed): readonly Drift[] {
  const byInstance = new Map(facts.drivers.map((each) => [each.instance, each]));
  const drifts: Drift[] = [];
  for (const { driver } of desired.graph.drivers) {
    const serves = desired.serving[driver];
    const fact = serves === undefined ? undefined : byInstance.get(serves);
    if (fact?.state === "running" && fact.connected) {
      drifts.push(...isolationDrift(fact, desired.isolated(driver)));
      continue;
    }
    const degraded = desired.down[driver] !== undefined;
    drifts.push({ kind: "driver", what: driver, desired: "running", observed: stateOf(fact), degraded });
  }
  for (const link of desired.graph.links) drifts.push(...linkDrift(link, desired, facts));
  return [...drifts, ...extras(desired, facts)];
}

/** A waiver that has ended, or that the plan does not have: applying the plan again replaces the driver. */
function isolationDrift(fact: ObservedDriver, isolated: boolean): readonly Drift[] {
  if (isWaived(fact) !== isolated) return [];
  const [desired, seen] = isolated ? ["isolated", "isolation waived"] : ["isolation waived", "isolated"];
  return [{ kind: "driver", what: fact.driver, desired, observed: seen, degraded: false }];
}

function stateOf(fact: ObservedDriver | undefined): string {
  if (!fact) return "not there";
  if (fact.state !== "exited" || fact.exit === null) {
    return fact.connected ? fact.state : `${fact.state}, and the keeper hears it no more`;
  }
  return fact.exit < 0 ? `ended by signal ${-fact.exit}` : `exited with code ${fact.exit}`;
}

function linkDrift(link: Link, desired: Desired, facts: Observed): readonly Drift[] {
  const from = `${link.from.driver}/${link.from.endpoint}`;
  const to = `${link.to.driver}/${link.to.endpoint}`;
  const degraded = [link.from.driver, link.to.driver].some((each) => desired.down[each] !== undefined);
  const found = facts.links.filter((each) => each.route === link.route);
  const drift = (seen: string): Drift => ({
    kind: "route",
    what: link.route,
    desired: `${from} → ${to}`,
    observed: seen,
    degraded,
  });
  if (found.length === 0) return [drift("no lane")];
  return found.flatMap((each) => {
    if (each.from !== from || each.to !== to) return [drift(`${each.from ?? "nobody"} → ${each.to ?? "nobody"}`)];
    if (each.producer !== desired.serving[link.from.driver] || each.consumer !== desired.serving[link.to.driver]) {
      return [drift(`between ${each.producer} and ${each.consumer}, who do not serve`)];
    }
    return each.sealed ? [] : [drift("its regions are not sealed")];
  });
}

/** What is there and nobody desires. */
function extras(desired: Desired, facts: Observed): readonly Drift[] {
  const routes = new Set(desired.graph.links.map((each) => each.route));
  const serving = new Set<string>(Object.values(desired.serving));
  const extra = (kind: Drift["kind"], what: string, seen: string): Drift => ({
    kind,
    what,
    desired: "nothing",
    observed: seen,
    degraded: false,
  });
  return [
    ...facts.links.filter((each) => !routes.has(each.route)).map((each) =>
      extra("route", each.route, `${each.from ?? "nobody"} → ${each.to ?? "nobody"}`)
    ),
    ...facts.drivers.filter((each) => !serving.has(each.instance)).map((each) =>
      extra("instance", each.instance, stateOf(each))
    ),
    ...facts.unused.map((each) => extra("region", `region ${each}`, "no lane uses it")),
    ...facts.staged.map((each) => extra("transition", `transition ${each}`, "neither settled nor discarded")),
  ];
}
