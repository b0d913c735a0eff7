/** Why each driver is where it is: for every other group of cpus the one thing that speaks against it. */
import { LIMITS } from "../limits.ts";
import type { PlacedDriver } from "../model/graph.ts";
import type { Placement } from "../model/plan.ts";
import { CPU_PERMILLE, cpuList, type Group, groupWords } from "./groups.ts";
import { faultsOf, objectiveOf, type Problem } from "./problem.ts";
import { comparison, faultWords, MOST_COMPARISONS } from "./reasons.ts";
import type { Solved } from "./solve.ts";

/** In the order of `placed`. */
export function placementsOf(
  problem: Problem,
  solved: Solved,
  placed: readonly PlacedDriver[],
): readonly Placement[] {
  const compares = placed.length * (problem.groups.length - 1) * problem.wanted.length <= MOST_COMPARISONS;
  return placed.map(({ driver, cpus, node }): Placement => {
    const at = problem.drivers.indexOf(driver);
    const here = solved.decision.group[at];
    const others = problem.groups.flatMap((group, index) => index === here ? [] : [{ group, index }]);
    const most = compares ? LIMITS.plan.othersOfAReason : 0;
    const left = others.length - most;
    const why = compares ? "left out here" : "not chosen; too large to compare one by one";
    const rest = left > 0 ? [{ candidate: left === 1 ? "1 other group" : `${left} other groups`, why }] : [];
    const told = others.slice(0, most).map(({ group, index }) => ({
      candidate: groupWords(group),
      why: whyNotThere(problem, solved, at, index),
    }));
    const pinned = problem.config.drivers.get(driver)?.cpu === "pinned";
    const where = `${cpus.length === 1 ? "cpu" : "cpus"} ${cpuList(cpus)} of node ${node}`;
    return { driver, chosen: `${pinned ? "pinned to" : "on"} ${where}`, others: [...told, ...rest] };
  });
}

/** With this driver in that group, and all else as planned. */
function whyNotThere(problem: Problem, solved: Solved, driver: number, there: number): string {
  const decision = {
    ...solved.decision,
    group: solved.decision.group.map((each, at) => at === driver ? there : each),
  };
  const [fault] = faultsOf(problem, decision);
  if (!fault) {
    const other = objectiveOf(problem, decision);
    return comparison(other, solved).replace(/^costs more: /, "farther: ");
  }
  if (fault.kind !== "capacity") return faultWords(problem, fault);
  const load = decision.group.reduce((sum, each, at) => sum + (each === there ? problem.loads[at] ?? 0 : 0), 0);
  const most = (problem.groups[there] as Group).capacityPermille;
  return `full: with it a load of ${load / CPU_PERMILLE} would be there, and ${most / CPU_PERMILLE} is the most`;
}
