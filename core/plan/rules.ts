/** Rules over several routes that can be judged from the declared text alone: one `to` for each `from`, fallback maps. */
import { type Issue, issue } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Config, End, Route } from "../model/config.ts";
import { type RouteName, saddr } from "../model/names.ts";
import { formatRange } from "../model/version.ts";
import { sortedRoutes } from "./candidates.ts";

/** Routes that are active at the same time: as planned, or after the fallback of one route. */
export interface Variant {
  /** The route whose trip leads here; null: as planned. */
  readonly trip: RouteName | null;
  readonly active: readonly RouteName[];
}

/** As planned first, then each fallback by the name of its route. */
export function variantsOf(config: Config): readonly Variant[] {
  const routes = sortedRoutes(config);
  const active = routes.filter((each) => !each.standby).map((each) => each.name);
  const variants: Variant[] = [{ trip: null, active }];
  for (const route of routes) {
    if (route.standby || route.onTrip !== "fallback") continue;
    const kept = active.filter((each) => !route.fallback.has(each));
    const known = [...route.fallback.values()].filter((each) => config.routes.has(each));
    variants.push({ trip: route.name, active: [...new Set([...kept, ...known])].sort() });
  }
  return variants;
}

export function ruleIssues(config: Config): Issue[] {
  return [...fanoutIssues(config), ...fromIssues(config), ...inputIssues(config), ...fallbackIssues(config)];
}

/** More active routes to one declared endpoint than it can read. For ends that are chosen, the kit keeps the rule. */
function inputIssues(config: Config): Issue[] {
  const issues = new Map<string, Issue>();
  for (const { active } of variantsOf(config)) {
    const routes = new Map<string, number>();
    for (const name of active) {
      const route = config.routes.get(name);
      if (!route || route.to.kind !== "saddr") continue;
      const to = saddr(route.to.driver, route.to.endpoint);
      const number = (routes.get(to) ?? 0) + 1;
      routes.set(to, number);
      if (number <= LIMITS.lanesOfAnInput || issues.has(to)) continue;
      const because = `more than ${LIMITS.lanesOfAnInput} routes lead to \`${to}\``;
      issues.set(
        to,
        fault(route, "route.inputs", because, "give the driver a second `in`, or merge streams before it"),
      );
    }
  }
  return [...issues.values()];
}

/** Fan-out is declared by policy; nothing joins several readers to a broadcast lane yet. */
function fanoutIssues(config: Config): Issue[] {
  return [...config.policy.fanout].sort().map((name) =>
    issue(
      "route.fanout.notYet",
      `cannot wire route \`${name}\` as a fan-out bus because this release does not wire several consumers to one output yet`,
      "take it out of `policy.fanout`, and give each consumer an `out` endpoint of its own",
      config.routes.get(name)?.place ?? null,
    )
  );
}

/** Two active routes from one declared endpoint. For ends that are chosen, the model keeps the rule. */
function fromIssues(config: Config): Issue[] {
  const issues: Issue[] = [];
  const said = new Set<string>();
  for (const { trip, active } of variantsOf(config)) {
    const first = new Map<string, Route>();
    for (const name of active) {
      const route = config.routes.get(name);
      if (!route || route.from.kind !== "saddr") continue;
      const from = saddr(route.from.driver, route.from.endpoint);
      const other = first.get(from);
      first.set(from, other ?? route);
      if (!other || said.has(`${other.name} ${name}`)) continue;
      said.add(`${other.name} ${name}`);
      issues.push(fromIssue(other, route, from, trip));
    }
  }
  return issues;
}

function fromIssue(one: Route, other: Route, from: string, trip: RouteName | null): Issue {
  // The later of the two in the text is the one to change; its place is given, and the other is named.
  const [kept, changed] = isBefore(one, other) ? [one, other] : [other, one];
  const when = trip === null ? "" : ` after the fallback of \`${trip}\``;
  return issue(
    "route.from.twice",
    `cannot wire route \`${changed.name}\` because route \`${kept.name}\` has the same \`from\`, \`${from}\`${when}`,
    "an `out` has one active `to`: give the driver a second `out`, or take one route away",
    changed.place,
  );
}

function isBefore(one: Route, other: Route): boolean {
  const [a, b] = [one.place, other.place];
  if (a.file !== b.file) return a.file < b.file;
  return a.line !== b.line ? a.line < b.line : a.column < b.column;
}

function fallbackIssues(config: Config): Issue[] {
  return sortedRoutes(config).flatMap((route) => {
    if (route.onTrip !== "fallback") {
      return route.fallback.size === 0 ? [] : [
        fault(
          route,
          "fallback.unused",
          'it has a `fallback` and its `onTrip` is not "fallback"',
          'set `onTrip: "fallback"`, or take the `fallback` away',
        ),
      ];
    }
    return route.standby
      ? [
        fault(
          route,
          "fallback.standby",
          'it is standby and has an `onTrip: "fallback"` of its own',
          'use `onTrip: "alarm"`',
        ),
      ]
      : fallbackMapIssues(config, route);
  });
}

function fault(route: Route, code: string, because: string, remedy: string): Issue {
  return issue(code, `cannot wire route \`${route.name}\` because ${because}`, remedy, route.place);
}

function fallbackMapIssues(config: Config, route: Route): Issue[] {
  const say = (code: string, because: string, remedy: string) => fault(route, `fallback.${code}`, because, remedy);
  if (!route.fallback.has(route.name)) {
    const why = 'its `onTrip` is "fallback" and no standby route is named for the route itself';
    return [say("missing", why, `write \`fallback: ${route.name}: STANDBY_ROUTE\``)];
  }
  const issues: Issue[] = [];
  const taken = new Set<RouteName>();
  for (const [ends, begins] of [...route.fallback].sort(([one], [other]) => one < other ? -1 : 1)) {
    const [old, fresh] = [config.routes.get(ends), config.routes.get(begins)];
    const both = `\`${ends}\` by \`${begins}\``;
    if (!old || !fresh) {
      const unknown = old ? begins : ends;
      issues.push(say("unknown", `its fallback names \`${unknown}\`, which is no route`, "name a declared route"));
    } else if (old.standby || !fresh.standby) {
      const why = `its fallback replaces ${both}, and \`${old.standby ? ends : begins}\` is ${
        old.standby ? "standby itself" : "not standby"
      }`;
      issues.push(say("notStandby", why, "an active route is replaced by one with `standby: true`"));
    } else if (taken.has(begins)) {
      issues.push(say("twice", `its fallback names \`${begins}\` twice`, "use one standby route for each"));
    } else {
      const difference = inconsistency(old, fresh);
      if (difference) {
        const remedy = "a standby route has the class of the route that it replaces, and one of its ends";
        issues.push(say("ends", `its fallback replaces ${both}, and ${difference}`, remedy));
      }
    }
    taken.add(begins);
  }
  return issues;
}

function inconsistency(old: Route, fresh: Route): string | undefined {
  if (old.class !== fresh.class) return `one is class \`${old.class}\` and the other \`${fresh.class}\``;
  if (sameEnd(old.from, fresh.from) || sameEnd(old.to, fresh.to)) return undefined;
  return "they have neither `from` nor `to` in common";
}

function sameEnd(one: End, other: End): boolean {
  if (one.kind === "saddr" && other.kind === "saddr") {
    return one.driver === other.driver && one.endpoint === other.endpoint;
  }
  if (one.kind !== "any" || other.kind !== "any") return false;
  return one.as === other.as && one.contract === other.contract && formatRange(one.range) === formatRange(other.range);
}
