/** When nothing satisfies everything: a smallest set of requirements that contradict each other, in the config's words. */
import { type Issue, issue } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Place } from "../model/config.ts";
import { formatDuration } from "../model/duration.ts";
import type { DriverName } from "../model/names.ts";
import type { Solver } from "../ports.ts";
import { words } from "./candidates.ts";
import { CPU_PERMILLE, groupWords } from "./groups.ts";
import { type Model, programOf, type Requirement, type TaggedRow } from "./model.ts";
import type { Problem } from "./problem.ts";

export function conflictIssue(problem: Problem, rows: readonly TaggedRow[], model: Model, solver: Solver): Issue {
  const conflict = minimalConflict(rows, model, solver);
  const drivers = driversOf(problem, conflict);
  const said = conflict.map((each) => requirementWords(problem, each));
  const loads = conflict.some((each) => each.kind === "capacity")
    ? [
      `they need ${drivers.map((name) => `\`${name}\` a load of ${loadOf(problem, name)}`).join(", ")}`,
    ]
    : [];
  const where = conflict.map((each) => placeOf(problem, each)).find((each) => each !== null) ?? null;
  return issue(
    "plan.infeasible",
    `cannot plan because these requirements can't hold together: ${[...said, ...loads].join("; ")}`,
    "give up or relax one of them; without any one of them the others can hold",
    where,
  );
}

/**
 * The deletion filter: a requirement without which the rest is still a contradiction is dropped for good. Whole runs of
 * them are tried first, halved when they can't go together.
 */
export function minimalConflict(rows: readonly TaggedRow[], model: Model, solver: Solver): readonly Requirement[] {
  let kept = requirementsOf(rows);
  let solves = 0;
  for (let run = Math.ceil(kept.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < kept.length && solves < LIMITS.plan.conflictSolves;) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + run)];
      solves++;
      if (isContradiction(rest, rows, model, solver)) kept = rest;
      else at += run;
    }
  }
  return kept;
}

function isContradiction(
  required: readonly Requirement[],
  rows: readonly TaggedRow[],
  model: Model,
  solver: Solver,
): boolean {
  const keys = new Set(required.map(keyOf));
  const standing = rows.filter(({ needs }) => needs.every((each) => keys.has(keyOf(each))));
  return solver.solve(programOf(model, standing.map((each) => each.row), [])).status === "infeasible";
}

function requirementsOf(rows: readonly TaggedRow[]): Requirement[] {
  return [...new Map(rows.flatMap(({ needs }) => needs.map((each) => [keyOf(each), each] as const))).values()];
}

function keyOf(requirement: Requirement): string {
  switch (requirement.kind) {
    case "route":
    case "budget":
      return `${requirement.kind} ${requirement.route}`;
    case "from":
      return `from ${requirement.from}`;
    case "capacity":
      return `capacity ${requirement.group}`;
    case "cycle":
      return `cycle ${requirement.cycle.routes.join(" ")}`;
  }
}

function requirementWords(problem: Problem, requirement: Requirement): string {
  switch (requirement.kind) {
    case "route":
      return `route \`${routeName(problem, requirement.route)}\` is wired (${
        alternatives(problem, requirement.route)
      })${at(placeOf(problem, requirement))}`;
    case "budget":
      return `route \`${routeName(problem, requirement.route)}\` keeps its budget of ${
        formatDuration(problem.wanted[requirement.route]?.route.budgetNs ?? 0)
      }`;
    case "from":
      return `\`${requirement.from}\` has one active \`to\``;
    case "capacity": {
      const group = problem.groups[requirement.group];
      const most = (group?.capacityPermille ?? 0) / CPU_PERMILLE;
      return `no more than a load of ${most} is on ${group ? groupWords(group) : ""}`;
    }
    case "cycle":
      return `routes ${requirement.cycle.routes.map((each) => `\`${each}\``).join(", ")} close no cycle`;
  }
}

/** As it is declared: a share of one core. */
const loadOf = (problem: Problem, driver: DriverName): number =>
  (problem.config.drivers.get(driver)?.loadPermille ?? 0) / CPU_PERMILLE;

const routeName = (problem: Problem, route: number): string => problem.wanted[route]?.route.name ?? "";

function at(place: Place | null): string {
  return place ? ` at ${place.file}:${place.line}:${place.column}` : "";
}

function alternatives(problem: Problem, route: number): string {
  const pairs = problem.wanted[route]?.pairs ?? [];
  const first = pairs.slice(0, 3).map((pair) => `${words(pair.from)} → ${words(pair.to)}`);
  return `${first.join(" or ")}${pairs.length > 3 ? ` or ${pairs.length - 3} more` : ""}`;
}

function placeOf(problem: Problem, requirement: Requirement): Place | null {
  if (requirement.kind === "route" || requirement.kind === "budget") {
    return problem.wanted[requirement.route]?.route.place ?? null;
  }
  const first = requirement.kind === "cycle" ? requirement.cycle.routes[0] : undefined;
  return (first && problem.config.routes.get(first)?.place) ?? null;
}

function driversOf(problem: Problem, conflict: readonly Requirement[]) {
  const routes = conflict.flatMap((each) => each.kind === "route" ? [each.route] : []);
  const pairs = routes.flatMap((route) => problem.wanted[route]?.pairs ?? []);
  return [...new Set(pairs.flatMap((pair) => [pair.from.driver, pair.to.driver]))].sort();
}
