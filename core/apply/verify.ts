/** Observed == Desired, from the keeper's facts: processes, regions by inode and seals, the epoch and who acknowledged it. */
import type { InstanceFact, Inventory, RegionFact } from "../keeper.ts";
import { type Instance, splitInstance } from "../model/names.ts";
import { isAlive } from "./facts.ts";
import type { Lane } from "./layout.ts";
import type { Target } from "./state.ts";
import { sameSpecs, specsOf } from "./transition.ts";
import type { Prepared } from "./types.ts";

export const SEALS: readonly string[] = ["shrink", "grow", "futureWrite", "seal"];

export interface Verified {
  /** One sentence each; none: it is so. */
  readonly issues: readonly string[];
  readonly culprits: readonly Instance[];
}

export function verifyFacts(prepared: Prepared, target: Target, facts: Inventory): Verified {
  const issues: string[] = [];
  const culprits: Instance[] = [];
  const { transition, serving, lanes } = prepared;
  if (facts.epoch !== transition.forward) issues.push(`the epoch is ${facts.epoch}, not ${transition.forward}`);
  const known = new Map(facts.instances.map((each) => [each.instance, each]));
  const must = new Set(transition.bindings.filter((each) => each.mustAcknowledge).map((each) => each.instance));
  for (const instance of Object.values(serving)) {
    const needed = target.record.kind === "C" || must.has(instance);
    const wrong = needed ? wrongInstance(instance, known.get(instance)) : undefined;
    if (wrong !== undefined) {
      issues.push(wrong);
      culprits.push(instance);
    }
  }
  for (const instance of must) {
    const fact = known.get(instance);
    if (fact && isAlive(fact) && fact.acknowledged < transition.forward) {
      issues.push(`${instance} has not acknowledged the epoch`);
      culprits.push(instance);
    }
  }
  issues.push(...wrongLanes(lanes, facts), ...wrongRegions(lanes, facts), ...otherRegions(prepared.inodes, facts));
  return { issues, culprits };
}

function wrongInstance(instance: Instance, fact: InstanceFact | undefined): string | undefined {
  if (!fact) return `${instance} is not there`;
  if (fact.state !== "running") return `${instance} is ${fact.state}`;
  return fact.connected ? undefined : `${instance} has lost its connection`;
}

/** Everybody alive has exactly the lanes of the target in force, and those who serve nobody have none. */
export function wrongLanes(lanes: readonly Lane[], facts: Inventory): readonly string[] {
  const specs = specsOf(lanes);
  return facts.instances.filter(isAlive)
    .filter((fact) => !sameSpecs(fact.lanes, specs.get(fact.instance) ?? []))
    .map((fact) => `the lanes of ${fact.instance} are not as planned`);
}

/** Each lane's two regions are there, are written by the right end, and are sealed so that this stays so. */
export function wrongRegions(lanes: readonly Lane[], facts: Inventory): readonly string[] {
  const regions = new Map(facts.regions.map((each) => [each.region, each]));
  return lanes.flatMap((lane) => {
    const ends = [
      wrongRegion(regions.get(lane.ringRegion), lane.ringRegion, lane.producer, lane.consumer),
      wrongRegion(regions.get(lane.creditRegion), lane.creditRegion, lane.consumer, lane.producer),
    ];
    return ends.flatMap((wrong) => wrong === undefined ? [] : [`${wrong} (route ${lane.route})`]);
  });
}

/** What lanes that stay lie in is the same memory as before the flip, and not another of its number. */
function otherRegions(before: Prepared["inodes"], facts: Inventory): readonly string[] {
  return facts.regions.filter(({ region, inode }) => (before.get(region) ?? inode) !== inode)
    .map(({ region }) => `region ${region} is another one than before`);
}

function wrongRegion(
  fact: RegionFact | undefined,
  region: number,
  writer: Instance,
  reader: Instance,
): string | undefined {
  if (!fact) return `region ${region} is not there`;
  if (fact.writer !== writer || fact.reader !== reader) return `region ${region} is ${fact.writer}'s, not ${writer}'s`;
  const missing = SEALS.filter((each) => !fact.seals.includes(each));
  return missing.length === 0 ? undefined : `region ${region} lacks the seals ${missing.join(", ")}`;
}

/** The driver of an instance, for messages. */
export function driverOf(instance: Instance): string {
  return splitInstance(instance)?.driver ?? instance;
}
