/**
 * From a scenario to a plan. Pure: the same scenario, however its maps and lists are ordered, gives the same bytes.
 * A cache of solutions belongs in the shell, keyed by `fingerprint(scenario)`: what it keeps is the plan itself.
 */
import { assert, type Issue, ok, refuse, type Result } from "../errors.ts";
import { type Plan, PLAN_VERSION } from "../model/plan.ts";
import type { DriverName, Hash } from "../model/names.ts";
import { inputHashes, type Scenario } from "../model/scenario.ts";
import type { Hasher, Solver } from "../ports.ts";
import { canonicalText } from "../trust/canonical.ts";
import { graphHash } from "../trust/plan_file.ts";
import { examine } from "./check.ts";
import { difference, isEmpty } from "./diff.ts";
import { distancesOf, groupsOf, topologyIssue } from "./groups.ts";
import { thereAndBack } from "./inverse.ts";
import { predictions } from "./predict.ts";
import { placementsOf } from "./placements.ts";
import { problemOf } from "./problem.ts";
import { reasonsOf } from "./reasons.ts";
import { type Solved, solveProblem } from "./solve.ts";
import { idClashes, movesOf, wire } from "./wire.ts";

/** Name and version of this planner, part of every plan's inputs: it changes when plans do. */
export const PLANNER = "rtt planner 1";

/** The plan, or that the committed graph is already the best and nothing else changed, or all that is wrong. */
export function makePlan(scenario: Scenario, solver: Solver, hasher: Hasher): Result<Plan | "noChange"> {
  const drafted = draftPlan(scenario, solver, hasher);
  if (!drafted.ok) return drafted;
  return ok(changes(scenario, drafted.value) ? drafted.value : "noChange");
}

/** The plan even when it changes nothing: what `rtt explain` reads. */
export function draftPlan(scenario: Scenario, solver: Solver, hasher: Hasher): Result<Plan> {
  assert(solver.name === scenario.solver, `the scenario is for ${scenario.solver}, and the solver is ${solver.name}`);
  const fault = topologyIssue(scenario.topology);
  if (fault) return refuse(fault);
  const known = (driver: DriverName) => scenario.closures.has(driver) && scenario.manifests.has(driver);
  const { wanted, issues } = examine(scenario.config, known);
  const all = [...issues, ...idClashes(scenario, hasher)];
  if (all.length > 0) return refuse(...inTextOrder(all));
  const problem = problemOf(scenario.config, wanted, groupsOf(scenario.topology), distancesOf(scenario.topology), {
    graph: scenario.base.graph,
    same: (driver, manifest, closure) =>
      scenario.manifests.get(driver) === manifest && scenario.closures.get(driver)?.hash === closure,
  });
  const solved = solveProblem(problem, solver);
  if (!solved.ok) return solved;
  return ok(document(scenario, problem, solved.value, hasher));
}

function document(scenario: Scenario, problem: ReturnType<typeof problemOf>, solved: Solved, hasher: Hasher): Plan {
  const { base, config } = scenario;
  const wired = wire(scenario, problem, solved.decision, hasher);
  const to = wired.graph;
  return {
    version: PLAN_VERSION,
    panel: config.panel.name,
    base: { plan: base.plan, graph: graphHash(base.graph, hasher) },
    from: base.graph,
    to,
    ...thereAndBack(base.graph, to, config),
    moves: movesOf(scenario, wired),
    reasons: reasonsOf(problem, solved),
    placements: placementsOf(problem, solved, to.drivers),
    predictions: predictions(scenario, to),
    gates: {
      policy: scenario.policy,
      manifests: hashesBy(to.drivers.map((each) => [each.driver, each.manifest])),
      closures: hashesBy(to.drivers.map((each) => [each.driver, each.closure])),
    },
    inputs: {
      ...inputHashes(scenario, hasher),
      solver: solved.solver,
      planner: scenario.planner,
    },
    objective: {
      latency: solved.objective.latencyMilli / 1_000,
      crossNode: solved.objective.crossNode,
      churn: solved.objective.churn,
    },
  };
}

function hashesBy(entries: readonly (readonly [string, Hash])[]): Readonly<Record<string, Hash>> {
  return Object.fromEntries(entries);
}

/** A change of what the plan permits or is gated on is a change too, although no link moves. */
function changes({ base }: Scenario, plan: Plan): boolean {
  if (!isEmpty(difference(base.graph, plan.to))) return true;
  if (base.gates === null) return false;
  return canonicalText([base.moves, base.gates]) !== canonicalText([plan.moves, plan.gates]);
}

/** As a reader meets them; what has no place comes last. */
function inTextOrder(issues: readonly Issue[]): readonly Issue[] {
  const key = ({ where, code, message }: Issue) =>
    [where === null ? "1" : `0${where.file}`, where?.line ?? 0, where?.column ?? 0, code, message] as const;
  return [...issues].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    for (const at of a.keys()) {
      const [left, right] = [a[at] ?? 0, b[at] ?? 0];
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  });
}
