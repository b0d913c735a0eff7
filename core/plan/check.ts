/** Everything about routes that needs neither facts nor a solver, all of it at once: what `rtt check` asks. */
import { type Issue, issue } from "../errors.ts";
import type { Config } from "../model/config.ts";
import type { RouteName } from "../model/names.ts";
import { type Available, candidatesOf, emptyIssue, type Pair, type Wanted } from "./candidates.ts";
import { type Cycle, forbiddenCycle, type Wire } from "./cycles.ts";
import { ruleIssues, variantsOf } from "./rules.ts";

export function checkRoutes(config: Config): readonly Issue[] {
  return examine(config, () => true).issues;
}

/** The candidates, and what is wrong whatever is chosen among them. */
export function examine(config: Config, available: Available): { wanted: readonly Wanted[]; issues: readonly Issue[] } {
  const { wanted, issues } = candidatesOf(config, available);
  const empty = wanted.flatMap((each) => emptyIssue(each) ?? []);
  return { wanted, issues: [...issues, ...ruleIssues(config), ...empty, ...forcedCycles(config, wanted)] };
}

/** Cycles of links that are wired so whatever is chosen elsewhere. */
function forcedCycles(config: Config, wanted: readonly Wanted[]): Issue[] {
  const forced = new Map(wanted.flatMap((each): [RouteName, Wire][] => {
    const [pair, second] = each.pairs;
    return pair && !second ? [[each.route.name, wireOf(each, pair)]] : [];
  }));
  const issues = new Map<string, Issue>();
  for (const { active } of variantsOf(config)) {
    const cycle = forbiddenCycle(active.flatMap((name) => forced.get(name) ?? []), config);
    if (cycle) issues.set(cycle.routes.join(" "), cycleIssue(cycle, config));
  }
  return [...issues.values()];
}

export function wireOf({ route }: Wanted, pair: Pair): Wire {
  const { name, ttl, dedupe } = route;
  return { route: name, class: route.class, ttl, dedupe, from: pair.from, to: pair.to };
}

export function cycleIssue(cycle: Cycle, config: Config): Issue {
  const round = [...cycle.routes, cycle.routes[0]].map((each) => `\`${each}\``).join(" → ");
  const place = config.routes.get(cycle.lacking ?? cycle.routes[0] as RouteName)?.place ?? null;
  if (cycle.kind === "hookApi") {
    const remedy = "make one of them class `bus` with `ttl` and `dedupe`, or correct what its driver's outs depend on";
    const message = `cannot wire route \`${cycle.routes[0]}\` because frames would go round in a cycle: ${round}`;
    return issue("route.cycle", message, remedy, place);
  }
  const message =
    `cannot wire route \`${cycle.lacking}\` because it lies on a cycle (${round}) and has no \`ttl\` with \`dedupe\``;
  return issue("route.busCycle", message, "give it a `ttl` above 0 and `dedupe: true`", place);
}
