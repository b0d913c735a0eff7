/** Plans by a solver that needs nothing: what is decided, in which order, and what the plan says about it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Config } from "../model/config.ts";
import type { Plan } from "../model/plan.ts";
import { type Base, EMPTY_BASE } from "../model/scenario.ts";
import type { Solver } from "../ports.ts";
import { exhaustiveSolver } from "./exhaustive.ts";
import { explain, show } from "./explain.ts";
import { draftPlan, makePlan } from "./plan.ts";
import { SEARCH_NAME } from "./search.ts";
import { config, driver, fakeHasher, route, rule, scenario, topology } from "./testing.ts";
import { explainWords, showWords } from "./words.ts";

const solver = exhaustiveSolver();

function planned(from: Config, base: Base = EMPTY_BASE, host = topology(1), by: Solver = solver): Plan {
  const plan = draftPlan(scenario(from, host, by.name, base), by, fakeHasher);
  if (!plan.ok) throw new Error(plan.issues.map((each) => each.message).join("\n"));
  return plan.value;
}

function refused(from: Config, host = topology(1)) {
  const plan = draftPlan(scenario(from, host, solver.name), solver, fakeHasher);
  if (plan.ok) throw new Error("it was planned");
  return plan.issues;
}

const after = (plan: Plan): Base => ({ plan: null, graph: plan.to, moves: plan.moves, gates: plan.gates });

/** A pole on a cart: the plant's state goes to whoever controls, and the force comes back. */
function pole(over: { deny?: string; standby?: boolean } = {}): Config {
  const controls = (speaks: "kit" | "stdio") => ({
    in: { state: "cart.state@^1.0" },
    out: { force: { is: "cart.force@1.1.0", dependsOn: ["state"] } },
    over: { cpu: "pinned" as const, speaks },
  });
  const critical = { critical: true, budgetNs: 5_000_000, class: "hook" as const };
  return config({
    drivers: [
      driver("plant", {
        in: { force: "cart.force@^1.0" },
        out: { state: "cart.state@1.0.0" },
        over: { cpu: "pinned" },
      }),
      driver("fast", controls("kit")),
      driver("awk", controls("stdio")),
    ],
    routes: [
      route("sense", "plant/state", "any cart.state@^1.0 as control", critical),
      route("act", "any cart.force@^1.0 as control", "plant/force", critical),
    ],
    policy: { deny: over.deny ? [rule(`${over.deny}/*`, "*/*", "not certified")] : [] },
  });
}

Deno.test("the cheaper provider is chosen for all its routes, and the other is said to cost more", () => {
  const plan = planned(pole());
  assertEquals(plan.to.drivers.map((each) => each.driver as string), ["fast", "plant"]);
  assertEquals(plan.to.links.map(({ from, to, version }) => [from.driver, to.driver, version]), [
    ["fast", "plant", "1.1.0"],
    ["plant", "fast", "1.0.0"],
  ] as never);
  assertEquals(plan.reasons.map((each) => [each.chosen, each.others.map((other) => other.why)]), [
    ["fast/force → plant/force", ["costs more: 24200 against 4200, all else as planned"]],
    ["plant/state → fast/state", ["costs more: 24200 against 4200, all else as planned"]],
  ]);
});

Deno.test("what policy denies is not chosen, and the reason is the rule in its own words", () => {
  const plan = planned(pole({ deny: "fast" }));
  const told = explain(plan, "act");
  assertEquals(told?.chosen, "awk/force → plant/force");
  assertEquals(told?.others.map((each) => each.why), [
    "policy denies `fast/force → plant/force` by `fast/* → */* (not certified)`",
  ]);
  assert(told && explainWords(told, { width: 80 }).every((line) => line.length <= 80));
});

Deno.test("batches go by dependence: starts, unlinks, links, stops, and the inverse is the way back", () => {
  const words = (batches: Plan["batches"]) =>
    batches.map((batch) =>
      batch.map((each) => `${each.kind} ${"driver" in each ? each.driver.driver : each.link.route}`)
    );
  const first = planned(pole({ deny: "fast" }));
  assertEquals(words(first.batches), [["start plant"], ["start awk"], ["link sense"], ["link act"]]);
  assertEquals(words(first.inverse), [["unlink act"], ["unlink sense"], ["stop awk"], ["stop plant"]]);
  const second = planned(pole({ deny: "awk" }), after(first));
  assertEquals(words(second.batches), [
    ["start fast"],
    ["unlink act"],
    ["unlink sense"],
    ["link sense"],
    ["link act"],
    ["stop awk"],
  ]);
});

Deno.test("what is committed and best already is no change, and a change of gates alone is one", () => {
  const plan = planned(pole());
  const again = scenario(pole(), topology(1), solver.name, after(plan));
  assertEquals(makePlan(again, solver, fakeHasher), { ok: true, value: "noChange" });
  const policy = fakeHasher.sha256(new Uint8Array([1]));
  const gated = makePlan({ ...again, policy }, solver, fakeHasher);
  assert(gated.ok && gated.value !== "noChange" && gated.value.batches.length === 0);
  const unknown = { ...again, policy, base: { ...again.base, gates: null } };
  assertEquals(makePlan(unknown, solver, fakeHasher), { ok: true, value: "noChange" });
});

Deno.test("a driver whose bytes changed is started and stopped, and its links are made again", () => {
  const plan = planned(pole());
  const given = scenario(pole(), topology(1), solver.name, after(plan));
  const plant = plan.to.drivers.find((each) => each.driver === "plant")?.driver;
  assert(plant);
  const closures = new Map(given.closures).set(plant, { hash: fakeHasher.sha256(new Uint8Array([9])), files: [] });
  const changed = makePlan({ ...given, closures }, solver, fakeHasher);
  assert(changed.ok && changed.value !== "noChange");
  const kinds = changed.value.batches.flat().map((each) => each.kind);
  assertEquals(kinds, ["start", "unlink", "unlink", "link", "link", "stop"]);
});

Deno.test("a standby route runs its driver, makes no link, and is what the fallback links", () => {
  const base = pole({});
  const routes = [...base.routes.values()].map((each) => ({
    ...each,
    from: each.from.kind === "any" ? route("r", "fast/force", "plant/force").from : each.from,
    to: each.to.kind === "any" ? route("r", "plant/state", "fast/state").to : each.to,
  }));
  const [sense, act] = routes;
  assert(sense && act);
  const spares = [
    route("senseSpare", "plant/state", "awk/state", { standby: true, class: "hook" }),
    route("actSpare", "awk/force", "plant/force", { standby: true, class: "hook" }),
  ];
  const [senseSpare, actSpare] = spares;
  assert(senseSpare && actSpare);
  const fallback = new Map([[sense.name, senseSpare.name], [act.name, actSpare.name]]);
  const all = [sense, { ...act, onTrip: "fallback" as const, fallback }, ...spares];
  const plan = planned({ ...base, routes: new Map(all.map((each) => [each.name, each])) });
  assertEquals(plan.to.links.map((each) => each.route as string), ["act", "sense"]);
  assertEquals(plan.to.drivers.map((each) => each.driver as string), ["awk", "fast", "plant"]);
  const move = plan.moves.find((each) => each.kind === "fallback");
  assert(move?.kind === "fallback");
  assertEquals([...move.unlink], ["act", "sense"] as never);
  assertEquals(move.link.map((each) => each.route as string), ["actSpare", "senseSpare"]);
  assertEquals(explain(plan, "actSpare")?.standby, true);
});

Deno.test("a cycle that depends on a choice is avoided by another choice, though it costs more", () => {
  const stage = (name: string, dependsOn: string[], speaks: "kit" | "stdio") =>
    driver(name, { in: { in: "x@*" }, out: { out: { is: "y@1.0.0", dependsOn } }, over: { speaks } });
  const project = config({
    drivers: [
      driver("hub", { in: { in: "y@*" }, out: { out: { is: "x@1.0.0", dependsOn: ["in"] } } }),
      stage("direct", ["in"], "kit"),
      stage("cut", [], "stdio"),
    ],
    routes: [route("there", "hub/out", "any x@* as s"), route("back", "any y@* as s", "hub/in")],
  });
  const plan = planned(project);
  assertEquals(plan.to.drivers.map((each) => each.driver as string), ["cut", "hub"]);
  assertEquals(plan.reasons[0]?.others[0]?.why, "frames would go round: back → there");
  const alone = { ...project, drivers: new Map([...project.drivers].filter(([name]) => name !== "cut")) };
  assertEquals(refused(alone).map((each) => each.code), ["route.cycle"]);
});

Deno.test("too little room is a smallest conflict in the config's words", () => {
  const heavy = (name: string, loadPermille: number) =>
    driver(name, { in: { in: "x@*" }, out: { out: "x@1.0.0" }, over: { loadPermille } });
  const drivers = [heavy("a", 900), heavy("b", 900), heavy("c", 900), heavy("d", 100)];
  const routes = [route("ab", "a/out", "b/in"), route("cd", "c/out", "d/in"), route("dc", "d/out", "c/in")];
  const [issue, second] = refused(config({ drivers, routes }), topology(1, 1, 2));
  assertEquals([issue?.code, second], ["plan.infeasible", undefined]);
  const message = issue?.message ?? "";
  assert(message.includes("`ab`") && message.includes("no more than a load of 2 is on cpus 0-1 of node 0"));
  assert(!message.includes("`cd`") || !message.includes("`dc`"), "one of the two is enough");
});

Deno.test("a solver that gives up or answers wrongly is not believed: the plan is searched", () => {
  const host = topology(2, 1, 1);
  const best = planned(pole(), EMPTY_BASE, host);
  const liars: readonly Solver["solve"][] = [
    () => ({ status: "limit" }),
    ({ variables }) => ({ status: "optimal", values: variables.map(() => 1), objective: 0 }),
    ({ variables }) => ({ status: "optimal", values: variables.map(() => 0.5), objective: 0 }),
    (program) => {
      const solution = solver.solve(program);
      return solution.status === "optimal" ? { ...solution, objective: solution.objective - 1 } : solution;
    },
  ];
  for (const solve of liars) {
    const plan = planned(pole(), EMPTY_BASE, host, { name: solver.name, solve });
    assertEquals(plan.inputs.solver, SEARCH_NAME);
    assertEquals(plan.to, best.to);
    assertEquals(show(plan).proved, false);
  }
});

Deno.test("pinned drivers of a route share a core's two threads, and stay where they are", () => {
  const host = topology(1, 1, 2, 2);
  const plan = planned(pole(), EMPTY_BASE, host);
  const cpus = plan.to.drivers.map((each) => each.cpus);
  assertEquals(cpus, [[0], [2]]);
  const moved = after(plan);
  const drivers = moved.graph.drivers.map((each) => ({ ...each, cpus: each.driver === "fast" ? [3] : [1] }));
  const again = makePlan(
    scenario(pole(), host, solver.name, { ...moved, graph: { ...moved.graph, drivers } }),
    solver,
    fakeHasher,
  );
  assertEquals(again, { ok: true, value: "noChange" });
});

Deno.test("each driver says why it is in no other group: full, farther, or as good", () => {
  const kit = (name: string, words: Parameters<typeof driver>[1], loadPermille: number) =>
    driver(name, { ...words, over: { loadPermille } });
  const project = config({
    drivers: [
      kit("a", { out: { out: "x@1.0.0" } }, 600),
      kit("b", { in: { in: "x@*" } }, 300),
      kit("c", { out: { out: "y@1.0.0" } }, 600),
      kit("d", { in: { in: "y@*" } }, 300),
    ],
    routes: [route("ab", "a/out", "b/in"), route("cd", "c/out", "d/in")],
  });
  const plan = planned(project, EMPTY_BASE, topology(2, 1, 1));
  assertEquals(plan.placements.map((each) => [each.driver as string, each.chosen, each.others[0]?.why.split(":")[0]]), [
    ["a", "on cpu 0 of node 0", "full"],
    ["b", "on cpu 0 of node 0", "full"],
    ["c", "on cpu 1 of node 1", "full"],
    ["d", "on cpu 1 of node 1", "full"],
  ]);
  const roomy = planned(project, EMPTY_BASE, topology(2, 1, 2));
  assertEquals(new Set(roomy.placements.map((each) => each.others[0]?.why.split(":")[0])), new Set(["farther"]));
  assertEquals(explain(plan, "cd")?.drivers.map((each) => each.driver as string), ["c", "d"]);
});

Deno.test("a bus link carries its hops and whether it drops what comes twice, and no other does", () => {
  const ends = [driver("a", { out: { out: "x@1.0.0" } }), driver("b", { in: { in: "x@*" } })];
  const linked = (over: Parameters<typeof route>[3]) => {
    const plan = planned(
      config({ drivers: ends, routes: [route("r", "a/out", "b/in", { ttl: 8, dedupe: true, ...over })] }),
    );
    return plan.to.links.map(({ ttl, dedupe }) => [ttl, dedupe]);
  };
  assertEquals(linked({ class: "bus", ttl: 4 }), [[4, true]]);
  assertEquals(linked({ class: "hook" }), [[null, null]]);
});

Deno.test("facts that contradict themselves are refused", () => {
  const host = topology(2);
  const bad = [
    { ...host, cpus: [] },
    { ...host, nodes: [0] },
    { ...host, distance: [[10]] },
    { ...host, cpus: [...host.cpus, ...host.cpus] },
  ];
  for (const each of bad) assertEquals(refused(pole(), each).map(({ code }) => code), ["facts.topology"]);
});

Deno.test("a driver whose files can't be read is no candidate", () => {
  const given = scenario(pole(), topology(1), solver.name);
  const closures = new Map([...given.closures].filter(([name]) => name !== "fast"));
  const plan = draftPlan({ ...given, closures }, solver, fakeHasher);
  assert(plan.ok && plan.value.to.drivers.some((each) => each.driver === "awk"));
  const none = draftPlan({ ...given, closures: new Map() }, solver, fakeHasher);
  assert(!none.ok && none.issues.every((each) => each.code === "driver.files"));
});

Deno.test("a scenario for another solver is a bug, not a plan", () => {
  assertThrows(() => draftPlan(scenario(pole(), topology(1), "other"), solver, fakeHasher), Error, "bug");
});

Deno.test("an empty project has an empty plan", () => {
  const none = config({ drivers: [], routes: [] });
  assertEquals(makePlan(scenario(none, topology(2), solver.name), solver, fakeHasher), { ok: true, value: "noChange" });
});

Deno.test("a plan fits a screen, whatever it holds", () => {
  const many = Array.from({ length: 60 }, (_, at) => at);
  const project = config({
    drivers: many.flatMap((at) => [
      driver(`source${at}`, { out: { out: "x@1.0.0" }, over: { loadPermille: 10 } }),
      driver(`drain${at}`, { in: { in: "x@*" }, over: { loadPermille: 10 } }),
    ]),
    routes: many.map((at) => route(`a-rather-long-name-of-a-route-${at}`, `source${at}/out`, `drain${at}/in`)),
  });
  const lines = showWords(show(planned(project)), { id: "f".repeat(64), width: 80 });
  assert(lines.length <= 48 && lines.every((line) => line.length <= 80));
  assert(lines.some((line) => line.includes("and 107 more")));
});
