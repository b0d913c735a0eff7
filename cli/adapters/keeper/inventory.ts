/** An inventory that came in several packets: facts of one instance, and parts of one transition, are joined. */
import type { InstanceFact, Inventory, StagedBinding, Transition } from "../../../core/keeper.ts";

/** At least one part. The last one's numbers are the newest. */
export function joinInventories(parts: readonly Inventory[]): Inventory {
  const last = parts.at(-1);
  return {
    epoch: last?.epoch ?? 0,
    lastEpoch: last?.lastEpoch ?? 0,
    instances: joined(parts.flatMap((part) => part.instances), (fact) => fact.instance, joinFacts),
    regions: parts.flatMap((part) => part.regions),
    transitions: joined(parts.flatMap((part) => part.transitions), (each) => each.id, joinTransitions),
  };
}

function joined<Part, Key>(
  parts: readonly Part[],
  key: (part: Part) => Key,
  join: (one: Part, two: Part) => Part,
): Part[] {
  const whole = new Map<Key, Part>();
  for (const part of parts) {
    const earlier = whole.get(key(part));
    whole.set(key(part), earlier ? join(earlier, part) : part);
  }
  return [...whole.values()];
}

function joinFacts(one: InstanceFact, two: InstanceFact): InstanceFact {
  return { ...two, lanes: [...one.lanes, ...two.lanes] };
}

function joinTransitions(one: Transition, two: Transition): Transition {
  return {
    ...one,
    regions: [...one.regions, ...two.regions],
    bindings: joined([...one.bindings, ...two.bindings], (binding) => binding.instance, joinBindings),
  };
}

function joinBindings(one: StagedBinding, two: StagedBinding): StagedBinding {
  return { ...two, forward: [...one.forward, ...two.forward], inverse: [...one.inverse, ...two.inverse] };
}
