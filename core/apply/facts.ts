/** Keeps the last inventory up to date by what the keeper answers and tells, between two inventories. */
import {
  type InstanceFact,
  type Inventory,
  isOfALane,
  type KeeperEvent,
  type KeeperRequest,
  type StagedBinding,
  type Transition,
} from "../keeper.ts";
import type { Instance } from "../model/names.ts";

export function afterEvent(facts: Inventory, event: KeeperEvent): Inventory {
  switch (event.kind) {
    case "parked":
      return change(facts, event.instance, (fact) => fact.state === "starting" ? { ...fact, state: "parked" } : fact);
    case "acknowledged":
      return change(facts, event.instance, (fact) => ({
        ...fact,
        acknowledged: Math.max(fact.acknowledged, event.epoch),
      }));
    case "exited":
      return change(facts, event.instance, (fact) => ({ ...fact, state: "exited", exit: event.exit }));
    case "failed":
      return isOfALane(event.code) ? facts : change(facts, event.instance, (fact) => ({ ...fact, connected: false }));
    case "hello":
    case "open":
    case "mapped":
    case "ready":
    case "lost":
      return facts;
  }
}

/**
 * When a request is sent: what is asked to start may be there from now on, whatever becomes of the answer, so that whoever
 * cleans up in between ends it too.
 */
export function afterAsking(facts: Inventory, request: KeeperRequest): Inventory {
  if (request.kind !== "spawn") return facts;
  const { instance, tag } = request.cell;
  const fact: InstanceFact = {
    instance,
    tag,
    pid: 0,
    state: "starting",
    exit: null,
    acknowledged: 0,
    opened: [],
    lanes: [],
    sandbox: {},
    connected: true,
  };
  return { ...facts, instances: [...facts.instances, fact] };
}

/** After a request was refused: what was not started is not there. */
export function afterRefused(facts: Inventory, request: KeeperRequest): Inventory {
  if (request.kind !== "spawn") return facts;
  return { ...facts, instances: facts.instances.filter((each) => each.instance !== request.cell.instance) };
}

/** After a request was answered with `done`. */
export function afterDone(facts: Inventory, request: KeeperRequest, inventory: Inventory | null): Inventory {
  switch (request.kind) {
    case "inventory":
      return inventory ?? facts;
    case "stage": {
      const { transition } = request;
      const lastEpoch = Math.max(facts.lastEpoch, transition.inverse);
      return { ...facts, lastEpoch, transitions: [...facts.transitions, transition] };
    }
    case "flip":
      return flipped(facts, request.to);
    case "discard":
    case "settle":
      return ended(facts, request);
    case "stop": {
      const instances = facts.instances.filter((each) => each.instance !== request.instance || each.state !== "exited");
      return { ...facts, instances };
    }
    case "spawn":
    case "seal":
    case "answerOpen":
    case "acknowledge":
    case "configure":
    case "shutdown":
      return facts;
  }
}

/** A transition is over: regions that nobody uses any more go with it, after `discard` only its own. */
function ended(
  facts: Inventory,
  { kind, transition: id }: { kind: "discard" | "settle"; transition: number },
): Inventory {
  const transitions = facts.transitions.filter((each) => each.id !== id);
  const lanes = [
    ...facts.instances.flatMap((each) => each.lanes),
    ...transitions.flatMap(({ bindings }) => bindings.flatMap((each) => [...each.forward, ...each.inverse])),
  ];
  const used = new Set(lanes.flatMap((each) => [each.ringRegion, each.creditRegion]));
  const made = facts.transitions.find((each) => each.id === id)?.regions.map((each) => each.region) ?? [];
  const stays = (region: number): boolean => used.has(region) || (kind === "discard" && !made.includes(region));
  return { ...facts, transitions, regions: facts.regions.filter((each) => stays(each.region)) };
}

function flipped(facts: Inventory, epoch: number): Inventory {
  const transition = facts.transitions.find((each) => each.forward === epoch || each.inverse === epoch);
  const bindings = new Map((transition?.bindings ?? []).map((each) => [each.instance, each]));
  const instances = facts.instances.map((fact): InstanceFact => {
    const binding = bindings.get(fact.instance);
    if (!binding || fact.state === "exited") return fact;
    return { ...fact, state: "running", lanes: transition?.forward === epoch ? binding.forward : binding.inverse };
  });
  return { ...facts, epoch, instances };
}

function change(facts: Inventory, instance: Instance, by: (fact: InstanceFact) => InstanceFact): Inventory {
  const at = facts.instances.findIndex((each) => each.instance === instance);
  const before = facts.instances[at];
  return before ? { ...facts, instances: facts.instances.with(at, by(before)) } : facts;
}

/** Who has to acknowledge this epoch of a transition and has not: the dead and the given-up are nobody's wait. */
export function unacknowledged(facts: Inventory, { bindings }: Transition, epoch: number): readonly Instance[] {
  return waitedFor(facts, bindings).filter((each) => each.acknowledged < epoch).map((each) => each.instance);
}

export function waitedFor(facts: Inventory, bindings: readonly StagedBinding[]): readonly InstanceFact[] {
  const must = new Set(bindings.filter((each) => each.mustAcknowledge).map((each) => each.instance));
  return facts.instances.filter((each) => must.has(each.instance) && isAlive(each));
}

/** Of use: a process whose connection is gone takes part in nothing any more, and is ended by the next cleaning. */
export function isAlive(fact: InstanceFact): boolean {
  return fact.state !== "exited" && fact.connected;
}

/** Runs without isolation, which a waiver of its plan's policy must permit. */
export function isWaived({ sandbox }: Pick<InstanceFact, "sandbox">): boolean {
  return sandbox["isolation"] === "waived";
}

export function aliveInstances(facts: Inventory): ReadonlySet<Instance> {
  return new Set(facts.instances.filter(isAlive).map((each) => each.instance));
}

/** Instances of the keeper that serve no driver of Desired, and those that should and have failed. */
export function idlers(facts: Inventory, serving: Readonly<Record<string, Instance>>): readonly Instance[] {
  const needed = new Set<string>(Object.values(serving));
  const stays = (fact: InstanceFact) => needed.has(fact.instance) && (isAlive(fact) || fact.state === "exited");
  return facts.instances.filter((each) => !stays(each)).map((each) => each.instance);
}
