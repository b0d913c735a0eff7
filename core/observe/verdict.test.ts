import { assertEquals } from "@std/assert";
import { desiredGraph } from "../apply/committed.ts";
import { brokenFacts, orphans } from "../apply/invariants.ts";
import { NO_GUARD } from "../guard/guard.ts";
import type { Inventory } from "../keeper.ts";
import { EMPTY_GRAPH, type Graph } from "../model/graph.ts";
import { admittedPlan, link, placed } from "../../tests/sim/project.ts";
import { World } from "../../tests/sim/world.ts";
import { observed } from "./facts.ts";
import { statusOf } from "./status.ts";
import { type Drift, verdict } from "./verdict.ts";

/** A world in which ant is wired to bee by the committed plan. */
function applied(): World {
  const world = new World(1);
  world.trouble = false;
  world.startPanel();
  const { store } = world.project;
  const graph: Graph = {
    drivers: [placed(store, "ant", 1), placed(store, "bee", 1)],
    links: [link("flow", 7, "ant/out0", "bee/in0")],
  };
  const admitted = admittedPlan(store, { plan: null, graph: EMPTY_GRAPH, serial: 0 }, graph);
  world.begin(1, { kind: "apply", admitted });
  while (world.timeline.step());
  assertEquals(world.told.at(-1)?.outcome.kind, "committed");
  return world;
}

function driftsOf(world: World, change: (facts: Inventory) => Inventory = (facts) => facts): readonly Drift[] {
  const { machine, keeper } = world;
  if (!machine || !keeper) return [];
  const { serving, down, committed } = machine;
  const desired = { graph: desiredGraph(committed), serving, down, isolated: () => true };
  return verdict(desired, observed(change(keeper.inventory())));
}

Deno.test("after an apply there is no drift, nothing is orphaned, and the facts hold together", () => {
  const world = applied();
  assertEquals(driftsOf(world), []);
  const facts = world.keeper?.inventory();
  assertEquals(facts && [...brokenFacts(facts), ...orphans(facts, world.machine?.serving ?? {})], []);
});

Deno.test("each kind of difference is named", () => {
  const world = applied();
  const kinds = (change: (facts: Inventory) => Inventory) =>
    driftsOf(world, change).map((each) => `${each.kind} ${each.what}`);
  const ant = (facts: Inventory, over: object): Inventory => ({
    ...facts,
    instances: facts.instances.map((each) => each.instance.startsWith("ant") ? { ...each, ...over } : each),
  });
  assertEquals(kinds((facts) => ant(facts, { state: "exited", exit: -9 })), ["driver ant", "route flow"]);
  assertEquals(kinds((facts) => ant(facts, { lanes: [] })), ["route flow"]);
  assertEquals(kinds((facts) => ant(facts, { connected: false })), ["driver ant"]);
  assertEquals(kinds((facts) => ant(facts, { sandbox: { isolation: "waived" } })), ["driver ant"]);
  assertEquals(kinds((facts) => ({ ...facts, instances: [] })), [
    "driver ant",
    "driver bee",
    "route flow",
    ...(world.keeper?.inventory().regions ?? []).map((each) => `region region ${each.region}`),
  ]);
  const seals = ["shrink", "grow"];
  assertEquals(kinds((facts) => ({ ...facts, regions: facts.regions.map((each) => ({ ...each, seals })) })), [
    "route flow",
  ]);
  const extra = world.keeper?.inventory().instances[0];
  const stranger = { ...extra, instance: "cat.9", lanes: [] } as unknown as Inventory["instances"][number];
  assertEquals(kinds((facts) => ({ ...facts, instances: [...facts.instances, stranger] })), ["instance cat.9"]);
});

Deno.test("a driver whose restarts are used up is drift that is known as degraded", () => {
  const world = applied();
  world.keeper?.exit(world.machine?.serving["bee"] ?? ("" as never), -9);
  while (world.timeline.step());
  const drifts = driftsOf(world);
  assertEquals(drifts.map((each) => [each.what, each.degraded]), [["bee", true], ["flow", true]]);
  assertEquals(drifts[0]?.observed, "ended by signal 9");
  assertEquals(world.machine?.down["bee"], "its plan permits no restart: signal 9 ended it");
});

Deno.test("status has the fields of the contract", () => {
  const world = applied();
  const { machine, keeper, log } = world;
  if (!machine || !keeper || !log) return;
  const { committed, serving, down, said, restarts } = machine;
  const status = statusOf({
    panel: "sim",
    serial: committed.serial,
    root: log.root,
    plan: committed.plan,
    graphHash: committed.graphHash,
    moves: committed.moves,
    desired: desiredGraph(committed),
    committed: committed.graph,
    serving,
    down,
    ends: {},
    said,
    restarts,
    observed: observed(keeper.inventory()),
    figures: [],
    guard: NO_GUARD,
    predictions: [],
  });
  assertEquals(Object.keys(status), ["panel", "serial", "root", "plan", "graph", "epoch", "moves", "links", "drivers"]);
  const [flow] = status.links;
  assertEquals([flow?.route, flow?.from, flow?.to, flow?.state, flow?.breaker, flow?.backoff_tier], [
    "flow",
    "ant/out0",
    "bee/in0",
    "up",
    "closed",
    0,
  ] as never);
  assertEquals(status.drivers.map((each) => [each.name, each.instance, each.state, each.restarts]), [
    ["ant", "ant.1", "running", 0],
    ["bee", "bee.1", "running", 0],
  ]);
});
