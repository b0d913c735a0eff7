/** Why each route is wired as it is: what was chosen, and for every other candidate the one thing that speaks against it. */
import { LIMITS } from "../limits.ts";
import type { DriverName } from "../model/names.ts";
import type { Reason } from "../model/plan.ts";
import { type Pair, sharedEnds, words } from "./candidates.ts";
import { type Decision, type Fault, faultsOf, type Objective, objectiveOf, pairOf, type Problem } from "./problem.ts";
import type { Solved } from "./solve.ts";

/** Routes × candidates above which candidates are not worked out one by one. */
export const MOST_COMPARISONS = 4_096;

export const pairWords = (pair: { readonly from: Pair["from"]; readonly to: Pair["to"] }): string =>
  `${words(pair.from)} → ${words(pair.to)}`;

export function reasonsOf(problem: Problem, solved: Solved): readonly Reason[] {
  const open = problem.wanted.reduce((count, { pairs }) => count + pairs.length - 1, 0);
  const compares = open * problem.wanted.length <= MOST_COMPARISONS;
  return problem.wanted.map(({ route, pairs, refused }, at): Reason => {
    const chosen = pairOf(problem, solved.decision, at);
    const others = [
      ...pairs.filter((each) => each !== chosen).map((each) => ({
        candidate: pairWords(each),
        why: compares ? whyNot(problem, solved, at, each) : "not chosen; too large to compare one by one",
      })),
      ...refused.map((each) => ({ candidate: pairWords(each), why: each.why })),
    ];
    const most = LIMITS.plan.othersOfAReason;
    const left = others.length - most;
    const rest = left > 0 ? [{ candidate: `${left} more`, why: "left out here" }] : [];
    return { route: route.name, chosen: pairWords(chosen), others: [...others.slice(0, most), ...rest] };
  });
}

/** With this pair, and all that isn't bound to it as planned: the best that it could be. */
function whyNot(problem: Problem, solved: Solved, route: number, pair: Pair): string {
  const chosen = forced(problem, solved.decision, route, pair);
  if (!chosen) return "another route of the same `as` has no candidate with this driver";
  let best: Objective | undefined;
  let fault: Fault | undefined;
  for (const decision of placements(problem, solved.decision, chosen)) {
    const faults = faultsOf(problem, decision);
    fault ??= faults[0];
    if (faults.length > 0) continue;
    const objective = objectiveOf(problem, decision);
    if (!best || compareObjectives(objective, best) < 0) best = objective;
  }
  if (best) return comparison(best, solved);
  return fault ? faultWords(problem, fault) : "it can't be placed";
}

/** The pairs of all routes when one has this pair: others of the same `as` follow to the same driver. */
function forced(problem: Problem, decision: Decision, route: number, pair: Pair): readonly number[] | undefined {
  const driverFor = new Map<string, DriverName>();
  const declared = problem.wanted[route]?.route;
  if (!declared) return undefined;
  for (const { as, side } of sharedEnds(declared)) driverFor.set(as, pair[side].driver);
  const pairs: number[] = [];
  for (const [at, each] of problem.wanted.entries()) {
    const ends = sharedEnds(each.route).filter(({ as }) => driverFor.has(as));
    const before = decision.pair[at] ?? -1;
    const fits = (candidate: Pair | undefined) =>
      candidate !== undefined && ends.every(({ as, side }) => candidate[side].driver === driverFor.get(as));
    const index = at === route
      ? each.pairs.indexOf(pair)
      : fits(each.pairs[before])
      ? before
      : each.pairs.findIndex((candidate) => fits(candidate));
    if (index < 0) return undefined;
    pairs.push(index);
  }
  return pairs;
}

/** Drivers that were placed stay; those that come in are tried in every group. */
function* placements(problem: Problem, decision: Decision, pair: readonly number[]): Generator<Decision> {
  const used = new Set(problem.wanted.flatMap((each, at) => {
    const chosen = each.pairs[pair[at] ?? -1];
    return chosen ? [chosen.from.driver, chosen.to.driver] : [];
  }));
  const group = problem.drivers.map((name, at) => used.has(name) ? decision.group[at] ?? -1 : -1);
  const fresh = problem.drivers.flatMap((name, at) => used.has(name) && (group[at] ?? -1) < 0 ? [at] : []);
  const count = problem.groups.length;
  for (let code = 0; code < Math.min(count ** fresh.length, MOST_COMPARISONS); code++) {
    const placed = [...group];
    fresh.forEach((driver, digit) => placed[driver] = Math.floor(code / count ** digit) % count);
    yield { pair, group: placed };
  }
}

function compareObjectives(one: Objective, other: Objective): number {
  return one.latencyMilli - other.latencyMilli || one.crossNode - other.crossNode || one.churn - other.churn;
}

/** What another decision is worth against the chosen one. */
export function comparison(other: Objective, { objective: chosen, exact }: Solved): string {
  const against = (one: number, two: number) => `${one} against ${two}, all else as planned`;
  if (!exact && compareObjectives(other, chosen) < 0) return "better here, and not found by the search";
  if (other.latencyMilli !== chosen.latencyMilli) {
    return `costs more: ${against(other.latencyMilli / 1_000, chosen.latencyMilli / 1_000)}`;
  }
  if (other.crossNode !== chosen.crossNode) {
    return `costs the same with more routes across nodes: ${against(other.crossNode, chosen.crossNode)}`;
  }
  if (other.churn !== chosen.churn) return `as good with more change: ${against(other.churn, chosen.churn)}`;
  return "as good; the first in stable order is taken";
}

export function faultWords(problem: Problem, fault: Fault): string {
  switch (fault.kind) {
    case "capacity":
      return "no group has room for it, all else as planned";
    case "budget":
      return `too far apart for the budget of route \`${
        problem.wanted[fault.route]?.route.name
      }\`, all else as planned`;
    case "from":
      return `\`${fault.from}\` would have two active routes: ${
        fault.routes.map((each) => problem.wanted[each]?.route.name).join(", ")
      }`;
    case "cycle":
      return `frames would go round: ${fault.cycle.routes.join(" → ")}`;
    case "shared":
      return `\`${fault.as}\` would be met by two drivers`;
    case "shape":
    case "unplaced":
    case "unused":
      return "it can't be placed";
  }
}
