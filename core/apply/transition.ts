/**
 * From facts and a target to the one transition between them: who is started, which lanes are added, and the two bindings of
 * each concerned driver. Pure, and the same for the same facts, so that the plan's order is the order of execution.
 */
import { ok, type Result } from "../errors.ts";
import type { CellSpec, Inventory, LaneSpec, StagedBinding, Transition } from "../keeper.ts";
import type { Graph, PlacedDriver } from "../model/graph.ts";
import { type DriverName, type Hash, type Instance, instance, splitInstance } from "../model/names.ts";
import { canonicalText } from "../trust/canonical.ts";
import { blueprint, cellSpec } from "./cells.ts";
import { aliveInstances, isAlive, isWaived } from "./facts.ts";
import { type Lane, laneSide, layOut, sameLane, sameSpec, type Wire } from "./layout.ts";
import { stopOrder } from "./order.ts";
import type { Machine, Target } from "./state.ts";
import type { Committed, Prepared } from "./types.ts";

/** Whom each driver of the target will be served by. */
interface Cast {
  /** Dead instances are in it too: a lane that leads to one stays until the driver is restarted. */
  readonly instances: ReadonlyMap<DriverName, Instance>;
  readonly spawned: readonly PlacedDriver[];
  readonly exempt: readonly DriverName[];
}

export function prepare(machine: Machine, current: Graph, target: Target, nowNs: number): Result<Prepared> {
  const { facts } = machine;
  const cast = castOf(machine, current, target);
  const spawn = cellsOf(machine, cast, target, nowNs);
  if (!spawn.ok) return spawn;
  const live = new Set([
    ...facts.instances.filter(isAlive).map((each) => each.instance),
    ...spawn.value.map((each) => each.instance),
  ]);
  const forward = Math.max(machine.lastEpoch, facts.lastEpoch, facts.epoch) + 1;
  const { kept, added } = wiresOf(target.graph, cast, live, facts);
  const layout = layOut(added, forward);
  const lanes = [...kept, ...layout.lanes];
  const transition: Transition = {
    id: forward,
    from: facts.epoch,
    forward,
    inverse: forward + 1,
    regions: layout.regions,
    bindings: bindingsOf(facts, lanes, spawn.value, target.abandoned),
  };
  const serving: Record<string, Instance> = {};
  for (const [driver, each] of [...cast.instances].sort()) if (live.has(each)) serving[driver] = each;
  const inodes = new Map(facts.regions.map(({ region, inode }) => [region, inode]));
  return ok({ transition, spawn: spawn.value, serving, exempt: cast.exempt, lanes, inodes });
}

/** Nothing to start and nothing to flip. */
export function changesNothing({ spawn, transition }: Prepared): boolean {
  return spawn.length === 0 && transition.bindings.length === 0;
}

function castOf(machine: Machine, current: Graph, target: Target): Cast {
  const { facts, serving } = machine;
  const before = new Map(current.drivers.map((each) => [each.driver, each]));
  const alive = aliveInstances(facts);
  const astray = astrayInstances(machine, target);
  const touched = touchedDrivers(current, target.graph);
  const numbers = numbersOf(machine);
  const instances = new Map<DriverName, Instance>();
  const spawned: PlacedDriver[] = [];
  const exempt: DriverName[] = [];
  for (const placed of stopOrder(target.graph)) {
    const { driver } = placed;
    const was = before.get(driver);
    const unchanged = was !== undefined && canonicalText(was) === canonicalText(placed);
    const serves = unchanged ? serving[driver] : undefined;
    const lives = serves !== undefined && alive.has(serves);
    if (lives && !astray.has(serves)) instances.set(driver, serves);
    else if (!lives && unchanged && !touched.has(driver) && !target.start.includes(driver)) {
      if (serves !== undefined) instances.set(driver, serves);
      exempt.push(driver);
    } else {
      instances.set(driver, instance(driver, (numbers.get(driver) ?? 0) + 1));
      spawned.push(placed);
    }
  }
  return { instances, spawned, exempt: exempt.sort() };
}

/** Whose isolation is not what the target's policy says today. A move that the plan permits leaves them to a repair. */
function astrayInstances({ facts, tools, committed }: Machine, target: Target): ReadonlySet<Instance> {
  if (target.record.kind === "M" && target.record.move !== "restore") return new Set();
  const policy = policyOf(target, committed);
  return new Set(
    facts.instances.filter((fact) => {
      const driver = splitInstance(fact.instance)?.driver;
      return driver !== undefined && isWaived(fact) === tools.isolated(driver, policy);
    }).map((each) => each.instance),
  );
}

function policyOf({ record }: Target, { document }: Committed): Hash | undefined {
  return (record.kind === "C" ? record.document : document)?.gates.policy;
}

/** Drivers at an end of a link that the target adds or removes. */
function touchedDrivers(current: Graph, target: Graph): ReadonlySet<DriverName> {
  const before = new Map(current.links.map((each) => [each.route, canonicalText(each)]));
  const after = new Map(target.links.map((each) => [each.route, canonicalText(each)]));
  const changed = target.links.filter((each) => before.get(each.route) !== after.get(each.route));
  return new Set(changed.flatMap((each) => [each.from.driver, each.to.driver]));
}

function numbersOf(machine: Machine): ReadonlyMap<string, number> {
  const numbers = new Map(Object.entries(machine.numbers));
  for (const { instance } of machine.facts.instances) {
    const known = splitInstance(instance);
    if (known) numbers.set(known.driver, Math.max(numbers.get(known.driver) ?? 0, known.number));
  }
  return numbers;
}

function cellsOf(machine: Machine, cast: Cast, target: Target, nowNs: number): Result<readonly CellSpec[]> {
  const order = stopOrder(target.graph).map((each) => each.driver);
  const cells: CellSpec[] = [];
  for (const placed of cast.spawned) {
    const plan = blueprint(placed, machine.tools);
    if (!plan.ok) return plan;
    const name = cast.instances.get(placed.driver) ?? instance(placed.driver, 1);
    const request = {
      blueprint: plan.value,
      instance: name,
      tag: target.tag,
      policy: policyOf(target, machine.committed),
      stopOrder: order.indexOf(placed.driver),
      nowNs,
    };
    cells.push(cellSpec(request, machine.tools));
  }
  return ok(cells);
}

/** Which lanes stay as they are and which are to be made. A link to a driver that is down can't be made. */
function wiresOf(
  graph: Graph,
  cast: Cast,
  live: ReadonlySet<Instance>,
  facts: Inventory,
): { kept: readonly Lane[]; added: readonly Wire[] } {
  const specs = specsByRoute(facts);
  const kept: Lane[] = [];
  const added: Wire[] = [];
  for (const link of graph.links) {
    const producer = cast.instances.get(link.from.driver);
    const consumer = cast.instances.get(link.to.driver);
    if (producer === undefined || consumer === undefined) continue;
    const wire: Wire = { link, producer, consumer };
    const lane = keptLane(specs.get(link.route) ?? [], wire, live);
    if (lane) kept.push(lane);
    else if (live.has(producer) && live.has(consumer)) added.push(wire);
  }
  return { kept, added };
}

type SpecOf = { readonly instance: Instance; readonly spec: LaneSpec };

function specsByRoute(facts: Inventory): ReadonlyMap<string, readonly SpecOf[]> {
  const specs = new Map<string, SpecOf[]>();
  for (const { instance, lanes } of facts.instances) {
    for (const spec of lanes) {
      const known = specs.get(spec.route);
      if (known) known.push({ instance, spec });
      else specs.set(spec.route, [{ instance, spec }]);
    }
  }
  return specs;
}

/** The lane in force that is exactly this wire, if each of its ends that lives has it. */
function keptLane(specs: readonly SpecOf[], wire: Wire, live: ReadonlySet<Instance>): Lane | undefined {
  for (const { instance, spec } of specs) {
    const end = spec.side === "producer" ? wire.producer : wire.consumer;
    const lane = instance === end ? sameLane(spec, wire) : undefined;
    if (!lane) continue;
    const hasIt = (side: "producer" | "consumer", of: Instance): boolean =>
      !live.has(of) || specs.some((each) => each.instance === of && sameSpec(each.spec, laneSide(lane, side)));
    if (hasIt("producer", lane.producer) && hasIt("consumer", lane.consumer)) return lane;
  }
  return undefined;
}

/** The lanes of each instance, in the order of their numbers. */
export function specsOf(lanes: readonly Lane[]): ReadonlyMap<Instance, readonly LaneSpec[]> {
  const specs = new Map<Instance, LaneSpec[]>();
  const add = (instance: Instance, spec: LaneSpec): void => {
    const known = specs.get(instance);
    if (known) known.push(spec);
    else specs.set(instance, [spec]);
  };
  for (const lane of [...lanes].sort((one, other) => one.lane - other.lane)) {
    add(lane.producer, laneSide(lane, "producer"));
    add(lane.consumer, laneSide(lane, "consumer"));
  }
  return specs;
}

/** Concerned are those who are started, and those alive whose lanes change. */
function bindingsOf(
  facts: Inventory,
  lanes: readonly Lane[],
  spawn: readonly CellSpec[],
  abandoned: readonly DriverName[],
): readonly StagedBinding[] {
  const specs = specsOf(lanes);
  const bindings: StagedBinding[] = [];
  for (const fact of facts.instances) {
    const forward = specs.get(fact.instance) ?? [];
    if (!isAlive(fact) || sameSpecs(fact.lanes, forward)) continue;
    const driver = splitInstance(fact.instance)?.driver;
    const mustAcknowledge = driver === undefined || !abandoned.includes(driver);
    bindings.push({ instance: fact.instance, forward, inverse: fact.lanes, mustAcknowledge });
  }
  for (const { instance } of spawn) {
    bindings.push({ instance, forward: specs.get(instance) ?? [], inverse: [], mustAcknowledge: true });
  }
  return bindings.sort((one, other) => one.instance < other.instance ? -1 : 1);
}

/** The same lanes in any order. */
export function sameSpecs(one: readonly LaneSpec[], other: readonly LaneSpec[]): boolean {
  if (one.length !== other.length) return false;
  const byLane = new Map(other.map((each) => [each.lane, each]));
  return one.every((each) => {
    const twin = byLane.get(each.lane);
    return twin !== undefined && sameSpec(each, twin);
  });
}
