/** The machine takes any event in any state, and what it plans is the same for the same facts. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { brokenGraph } from "../../core/apply/invariants.ts";
import { laneSide, layOut, sameLane, type Wire } from "../../core/apply/layout.ts";
import { type Machine, step } from "../../core/apply/machine.ts";
import { stopOrder } from "../../core/apply/order.ts";
import type { ApplyEvent } from "../../core/apply/types.ts";
import type { KeeperEvent, KeeperRequest } from "../../core/keeper.ts";
import { EMPTY_GRAPH, type Graph } from "../../core/model/graph.ts";
import type { Instance, PlanId } from "../../core/model/names.ts";
import { planA, RICH } from "../fakes/log.ts";
import { Random } from "../fakes/random.ts";
import { link, makeProject, randomGraph, randomPlan } from "../sim/project.ts";
import { run } from "../sim/run.ts";
import { World } from "../sim/world.ts";

/** Machines as runs of the simulator have them, one of each phase of each run. */
function machines(seeds: number): readonly Machine[] {
  const found = new Map<string, Machine>();
  for (let seed = 1; seed <= seeds; seed++) {
    run(seed, {
      effects: ({ state, effects }) => {
        found.set(`${seed % 4} ${state.phase.kind}`, state);
        return effects;
      },
    });
  }
  return [...found.values()];
}

const REQUESTS: readonly KeeperRequest["kind"][] = [
  "inventory",
  "spawn",
  "stage",
  "seal",
  "flip",
  "discard",
  "settle",
  "stop",
  "answerOpen",
];

const nowNs = 5_000_000_000;

/** Events that concern what the machine is about, and events that concern nothing. */
function anyEvent(machine: Machine, random: Random): ApplyEvent {
  const instances = [...machine.facts.instances.map((each) => each.instance), "nobody.1" as Instance];
  const instance = random.pick(instances) ?? ("nobody.1" as Instance);
  const number = random.pick([0, 1, machine.lastEpoch, machine.lastEpoch - 1, machine.facts.epoch, 10 ** 15]) ?? 0;
  const record = random.pick(machine.open ? [...RICH, machine.open] : RICH) ?? RICH[0];
  const to = random.pick([...REQUESTS, ...machine.asked.slice(0, 1).map((each) => each.request.kind)]) ?? "flip";
  const project = makeProject(random);
  assert(record);
  switch (random.below(9)) {
    case 0:
      return { kind: "begin", id: 1 + random.below(5), act: { kind: "rollback" }, nowNs };
    case 1:
      return { kind: "begin", id: 9, act: { kind: "apply", admitted: randomPlan(project, machine.committed) }, nowNs };
    case 2:
      return { kind: "attached", inventory: machine.facts, nowNs };
    case 3:
    case 4:
      return { kind: "keeper", event: anyKeeperEvent(instance, number, random), nowNs };
    case 5:
      return { kind: "replied", to, epoch: number, inventory: to === "inventory" ? machine.facts : null, nowNs };
    case 6:
      return { kind: "refused", to, code: "test", message: "no", nowNs };
    case 7:
      return random.chance(0.5)
        ? { kind: "synced", record, nowNs }
        : random.chance(0.5)
        ? { kind: "syncFailed", record, why: "test", nowNs }
        : { kind: "reserved", room: random.chance(0.5) ? "made" : "noDisk", nowNs };
    default:
      return { kind: "deadline", timer: random.below(machine.counter + 2), nowNs };
  }
}

function anyKeeperEvent(instance: Instance, number: number, random: Random): KeeperEvent {
  const seq = 1;
  const events: readonly KeeperEvent[] = [
    { seq, kind: "hello", instance, protocol: 1, kit: "" },
    { seq, kind: "open", instance, request: number, saddr: `${instance}/in0` as never, verb: "receive", token: "" },
    { seq, kind: "parked", instance },
    { seq, kind: "mapped", instance, transition: number },
    { seq, kind: "ready", instance, transition: number },
    { seq, kind: "acknowledged", instance, epoch: number },
    { seq, kind: "failed", instance, code: "x", message: "y" },
    { seq, kind: "exited", instance, exit: -9 },
    { seq, kind: "lost", why: "test" },
  ];
  return random.pick(events) ?? { seq, kind: "lost", why: "" };
}

Deno.test("any event in any state is taken without a throw", () => {
  const known = machines(120);
  const phases = new Set(known.map((each) => each.phase.kind));
  assert(phases.size >= 13, `the simulator reaches ${[...phases].join(", ")}`);
  fc.assert(
    fc.property(fc.nat(), fc.nat(known.length - 1), (seed, at) => {
      const random = new Random(seed);
      let machine = known[at];
      assert(machine);
      for (let events = 0; events < 40; events++) {
        const stepped = step(machine, anyEvent(machine, random));
        assertEquals(stepped.mustSync, stepped.effects.some((each) => each.kind === "log"));
        machine = stepped.state;
      }
    }),
    { numRuns: 600 },
  );
});

Deno.test("a step is a function: the same state and event give the same answer, and the state is not touched", () => {
  for (const machine of machines(20)) {
    const before = JSON.stringify({ ...machine, tools: null });
    for (let seed = 0; seed < 20; seed++) {
      const event = anyEvent(machine, new Random(seed));
      const fresh = () =>
        JSON.stringify(step({ ...machine, tools: { ...machine.tools, entropy: new Random(1) } }, event).effects);
      const once = fresh();
      assertEquals(fresh(), once);
    }
    assertEquals(JSON.stringify({ ...machine, tools: null }), before);
  }
});

Deno.test("lanes of one transition never overlap, whatever the order in which links are named", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = new Random(seed);
      const graph = randomGraph(makeProject(random), EMPTY_GRAPH);
      const wires = graph.links.map((each): Wire => ({
        link: { ...each, ringBytes: 4_096 << random.below(4) },
        producer: `${each.from.driver}.1` as Instance,
        consumer: `${each.to.driver}.1` as Instance,
      }));
      const layout = layOut(wires, 7);
      assertEquals(layOut([...wires].reverse(), 7), layout);
      const spans = layout.lanes.flatMap((lane) => [
        { region: lane.ringRegion, from: lane.producerPage, to: lane.ring + lane.link.ringBytes },
        { region: lane.creditRegion, from: lane.consumerPage, to: lane.consumerPage + 4_096 },
      ]);
      for (const region of layout.regions) {
        const own = spans.filter((each) => each.region === region.region).sort((one, other) => one.from - other.from);
        let at = 4_096;
        for (const span of own) {
          assertEquals(span.from, at);
          at = span.to;
        }
        assertEquals(region.bytes, at);
        assert(own.length > 0);
      }
      for (const [index, lane] of layout.lanes.entries()) {
        const [wire] = wires.filter((each) => each.link.route === lane.route);
        assert(wire && index >= 0);
        assertEquals(sameLane(laneSide(lane, "producer"), wire), lane);
        assertEquals(sameLane({ ...laneSide(lane, "producer"), ringBytes: 1 }, wire), undefined);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("drivers are ordered from sources to sinks, each once, cycles and all", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = new Random(seed);
      const graph = randomGraph(makeProject(random), EMPTY_GRAPH);
      const order = stopOrder(graph).map((each) => each.driver);
      assertEquals([...order].sort(), graph.drivers.map((each) => each.driver).sort());
      const forward: Graph = {
        drivers: graph.drivers,
        links: graph.links.filter((each) => each.from.driver < each.to.driver),
      };
      const acyclic = stopOrder(forward).map((each) => each.driver);
      for (const { from, to } of forward.links) assert(acyclic.indexOf(from.driver) < acyclic.indexOf(to.driver));
    }),
    { numRuns: 200 },
  );
});

Deno.test("a plan whose graph could not be held to the invariants is refused with nothing prepared", () => {
  const world = new World(1);
  world.startPanel();
  while (world.timeline.step());
  const { store } = world.project;
  const drivers = randomGraph(makeProject(new Random(3)), EMPTY_GRAPH).drivers;
  const [one, two] = drivers;
  assert(one && two);
  const wrong: readonly Graph[] = [
    { drivers: [one], links: [link("r", 1, `${one.driver}/out0`, "ghost/in0")] },
    { drivers, links: [1, 2].map((each) => link(`r${each}`, each, `${one.driver}/out0`, `${two.driver}/in${each}`)) },
    // Not pinned: a driver that may use any cpu of its group has all of them.
    ...[[], [0, 1]].map((cpus) => ({
      drivers: [{ ...one, cpus }, two],
      links: [link("r", 1, `${one.driver}/out0`, `${two.driver}/in0`, { critical: true })],
    })),
    { drivers, links: [link("r", 1, `${one.driver}/out0`, `${two.driver}/in0`, { ringBytes: 5_000 })] },
  ];
  for (const [at, to] of wrong.entries()) {
    assert(brokenGraph(to).length > 0);
    const admitted = { ...randomPlan({ store, random: new Random(1) }, world.machine?.committed ?? never()) };
    const plan = { ...admitted.plan, to };
    world.begin(at + 1, { kind: "apply", admitted: { ...admitted, plan, id: planA as PlanId } });
    while (world.timeline.step());
    const said = world.told.at(-1);
    assertEquals([said?.id, said?.outcome.kind], [at + 1, "refused"]);
    assert(said?.outcome.kind === "refused");
    assertEquals(said.outcome.issues[0]?.code, "plan.unsafe");
  }
  assertEquals(world.keeper?.inventory().instances, []);
  assertEquals(world.log?.seq, 0);
});

function never(): never {
  throw new Error("the panel is there");
}
