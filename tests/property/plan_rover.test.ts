/** The twelve drivers of a rover on machines of one to eight nodes: the planner has something to decide, and is right. */
import { assert, assertEquals } from "@std/assert";
import { cueValidator } from "../../cli/adapters/cue.ts";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import { loadHighs } from "../../cli/adapters/solver.ts";
import { readPart } from "../../cli/parts.ts";
import { checkProject } from "../../cli/project/check.ts";
import type { Plan } from "../../core/model/plan.ts";
import type { Topology } from "../../core/model/topology.ts";
import { examine } from "../../core/plan/check.ts";
import { distancesOf, groupsOf } from "../../core/plan/groups.ts";
import { draftPlan } from "../../core/plan/plan.ts";
import { type Decision, faultsOf, objectiveOf, type Problem, problemOf } from "../../core/plan/problem.ts";
import { solveProblem } from "../../core/plan/solve.ts";
import { scenario } from "../../core/plan/testing.ts";
import { EMPTY_GRAPH } from "../../core/model/graph.ts";
import { FOUR_QUARTERS, MACHINES, TWO_CPUS_APART, TWO_SOCKETS } from "../fixtures/topology/machines.ts";
import { bestByTryingAll } from "./plan_cases.ts";

const folder = new URL("../fixtures/twelve-drivers", import.meta.url).pathname;
const checked = await checkProject(folder, cueValidator(() => readPart("cue.wasm")));
if (!checked.ok) throw new Error(checked.issues.map((each) => each.message).join("\n"));
const { config } = checked.value;
const solver = await loadHighs();
const { hasher } = openCrypto();

function planned(host: Topology): Plan {
  const plan = draftPlan(scenario(config, host, solver.name), solver, hasher);
  if (!plan.ok) throw new Error(plan.issues.map((each) => each.message).join("\n"));
  return plan.value;
}

function problemOn(host: Topology): Problem {
  const { wanted, issues } = examine(config, () => true);
  assertEquals(issues, []);
  return problemOf(config, wanted, groupsOf(host), distancesOf(host), { graph: EMPTY_GRAPH, same: () => false });
}

/** Drivers by name into the first group with room, and the provider that costs least by itself. */
function firstFit(problem: Problem, pair: readonly number[]): Decision {
  const used = new Set(problem.wanted.flatMap((each, at) => {
    const chosen = each.pairs[pair[at] ?? 0];
    return chosen ? [chosen.from.driver, chosen.to.driver] : [];
  }));
  const free = problem.groups.map((each) => each.capacityPermille);
  const group = problem.drivers.map((name, at) => {
    if (!used.has(name)) return -1;
    const load = problem.loads[at] ?? 0;
    const first = free.findIndex((each) => each >= load);
    free[first] = (free[first] ?? 0) - load;
    return first;
  });
  return { pair, group };
}

Deno.test("with one cpu on each of two nodes, the cut is the best of all cuts, and a naive one is worse", () => {
  const problem = problemOn(TWO_CPUS_APART);
  const solved = solveProblem(problem, solver);
  assert(solved.ok && solved.value.exact);
  const { decision, objective } = solved.value;
  assertEquals({ decision, objective }, bestByTryingAll(problem));

  const naive = firstFit(problem, decision.pair);
  assertEquals(faultsOf(problem, naive), []);
  const worse = objectiveOf(problem, naive);
  assert(worse.latencyMilli > objective.latencyMilli && worse.crossNode > objective.crossNode, JSON.stringify(worse));
});

Deno.test("no group is given more than it has, on any machine, and more room never costs more", () => {
  for (const [name, host] of Object.entries(MACHINES)) {
    const plan = planned(host);
    for (const group of groupsOf(host)) {
      const ids = new Set(group.cpus.map((each) => each.id));
      const here = plan.to.drivers.filter((each) => each.cpus.every((cpu) => ids.has(cpu)));
      const load = here.reduce((sum, each) => sum + (config.drivers.get(each.driver)?.loadPermille ?? 0), 0);
      assert(load <= group.capacityPermille, `${name}: ${load} of ${group.capacityPermille}`);
    }
    assertEquals(plan.to.drivers.filter((each) => each.cpus.length === 0), []);
    assert(plan.objective.latency <= planned(TWO_CPUS_APART).objective.latency, name);
  }
});

Deno.test("where all fit on one node nothing crosses, and one detector is chosen for both its routes", () => {
  for (const host of [TWO_SOCKETS, FOUR_QUARTERS]) {
    const plan = planned(host);
    assertEquals(plan.objective.crossNode, 0);
    assertEquals(new Set(plan.to.drivers.map((each) => each.node)).size, 1);
    const detectors = plan.to.drivers.filter((each) => each.driver.startsWith("detect"));
    assertEquals(detectors.map((each) => each.driver as string), ["detectQuick"]);
  }
});

Deno.test("the two ends of the critical route are pinned to the two threads of one core", () => {
  const plan = planned(TWO_SOCKETS);
  const cpuOf = (name: string) => plan.to.drivers.find((each) => each.driver === name)?.cpus ?? [];
  const [control, motor] = [cpuOf("control"), cpuOf("motor")];
  assertEquals([control.length, motor.length], [1, 1]);
  const coreOf = (cpu: number | undefined) => TWO_SOCKETS.cpus.find((each) => each.id === cpu)?.core;
  assert(control[0] !== motor[0] && coreOf(control[0]) === coreOf(motor[0]));
});
