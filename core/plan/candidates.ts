/**
 * Which pairs of endpoints could make each route real, and why every other one can't: types, versions, capabilities,
 * policy, pinning and budgets are judged here, pair by pair. What depends on several routes at once is the model's.
 */
import { type Issue, issue } from "../errors.ts";
import type { Config, Driver, End, Endpoint, Place, Route } from "../model/config.ts";
import type { LinkEnd } from "../model/graph.ts";
import { formatDuration } from "../model/duration.ts";
import { type ContractName, type DriverName, saddr } from "../model/names.ts";
import { formatRange, formatVersion, meet } from "../model/version.ts";
import { judgeAccess, ruleWords } from "./acl.ts";
import { COST, pairCostNs } from "./cost.ts";

/** Two endpoints that may be joined for a route. */
export interface Pair {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  readonly contract: ContractName;
  /** The version that both agreed on. */
  readonly version: string;
  /** Least cost wherever the two are placed, in nanoseconds. */
  readonly costNs: number;
}

/** A pair that can't be, and why: the sentence after "because". */
export interface Refusal {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  readonly code: string;
  readonly why: string;
  readonly remedy: string;
  readonly where: Place | null;
}

export interface Wanted {
  readonly route: Route;
  /** In stable order: by `from`, then by `to`. */
  readonly pairs: readonly Pair[];
  readonly refused: readonly Refusal[];
}

/** Whether all files of a driver are known; without facts (`rtt check`) that is not asked. */
export type Available = (driver: DriverName) => boolean;

/** Every route, by name. An end that names nothing is an issue; a route without pairs is judged by `emptyIssue`. */
export function candidatesOf(config: Config, available: Available): { wanted: Wanted[]; issues: Issue[] } {
  const issues: Issue[] = [];
  const wanted: Wanted[] = [];
  const offered = offersOf(config);
  for (const route of sortedRoutes(config)) {
    const from = endsOf(config, offered, route, "from", issues);
    const to = endsOf(config, offered, route, "to", issues);
    if (from && to) wanted.push(joinEnds(config, route, from, to, available));
  }
  return { wanted: agreeOnDrivers(wanted), issues };
}

export function sortedRoutes(config: Config): readonly Route[] {
  return [...config.routes.values()].sort((one, other) => one.name < other.name ? -1 : 1);
}

interface Offer {
  readonly driver: Driver;
  readonly endpoint: Endpoint;
}

/** Endpoints by direction and contract, in stable order. */
function offersOf(config: Config): ReadonlyMap<string, readonly Offer[]> {
  const offers = new Map<string, Offer[]>();
  const drivers = [...config.drivers.values()].sort((one, other) => one.name < other.name ? -1 : 1);
  for (const driver of drivers) {
    const endpoints = [...driver.endpoints.values()].sort((one, other) => one.name < other.name ? -1 : 1);
    for (const endpoint of endpoints) {
      const key = `${endpoint.direction} ${endpoint.contract}`;
      const list = offers.get(key);
      if (list) list.push({ driver, endpoint });
      else offers.set(key, [{ driver, endpoint }]);
    }
  }
  return offers;
}

function endsOf(
  config: Config,
  offered: ReadonlyMap<string, readonly Offer[]>,
  route: Route,
  side: "from" | "to",
  issues: Issue[],
): readonly Offer[] | undefined {
  const end = route[side];
  const direction = side === "from" ? "out" : "in";
  if (end.kind === "any") return offered.get(`${direction} ${end.contract}`) ?? [];
  const driver = config.drivers.get(end.driver);
  const endpoint = driver?.endpoints.get(end.endpoint);
  if (driver && endpoint?.direction === direction) return [{ driver, endpoint }];
  const cannot = `cannot wire route \`${route.name}\` because its \`${side}\``;
  const known = driver ? [...driver.endpoints.keys()].sort().join(", ") || "none" : "";
  if (!driver) {
    const remedy = `declare driver \`${end.driver}\`, or name another`;
    issues.push(
      issue("route.driver", `${cannot} names driver \`${end.driver}\`, which is not declared`, remedy, route.place),
    );
  } else if (!endpoint) {
    const message = `${cannot} names endpoint \`${end.endpoint}\`, which driver \`${end.driver}\` does not have`;
    issues.push(issue("route.endpoint", message, `its endpoints are: ${known}`, route.place));
  } else {
    const message = `${cannot} is \`${saddr(end.driver, end.endpoint)}\`, which is an \`${endpoint.direction}\``;
    issues.push(
      issue("route.direction", message, `name an \`${direction}\` endpoint, or turn the route round`, route.place),
    );
  }
  return undefined;
}

function joinEnds(
  config: Config,
  route: Route,
  from: readonly Offer[],
  to: readonly Offer[],
  available: Available,
): Wanted {
  const pairs: Pair[] = [];
  const refused: Refusal[] = [];
  for (const one of from) {
    for (const other of to) {
      const judged = judgePair(config, route, one, other, available);
      if ("code" in judged) refused.push(judged);
      else pairs.push(judged);
    }
  }
  return { route, pairs, refused };
}

const endOf = ({ driver, endpoint }: Offer): LinkEnd => ({ driver: driver.name, endpoint: endpoint.name });
export const words = (end: LinkEnd): string => saddr(end.driver, end.endpoint);

/** The pair, or the first rule that it breaks. */
function judgePair(config: Config, route: Route, from: Offer, to: Offer, available: Available): Pair | Refusal {
  const ends = { from: endOf(from), to: endOf(to) };
  const refusal = (code: string, why: string, remedy: string, where: Place | null = route.place): Refusal => ({
    ...ends,
    code,
    why,
    remedy,
    where,
  });
  if (from.driver.name === to.driver.name) {
    return refusal("route.self", `it would join driver \`${from.driver.name}\` to itself`, "name two drivers");
  }
  if (from.endpoint.contract !== to.endpoint.contract) {
    const why = `\`${words(ends.from)}\` is \`${from.endpoint.contract}\` and \`${words(ends.to)}\` is ` +
      `\`${to.endpoint.contract}\``;
    return refusal("route.contract", why, "join endpoints of one contract");
  }
  const version = agreedVersion(route, from.endpoint, to.endpoint);
  if (typeof version !== "string") return refusal("route.meet", version.why, "change one of the two ranges");
  const missing = to.endpoint.capabilities.filter((each) => !from.endpoint.capabilities.includes(each)).sort();
  if (missing.length > 0) {
    const why = `\`${words(ends.to)}\` needs ${listed(missing)}, which \`${words(ends.from)}\` does not offer`;
    return refusal("route.capability", why, "offer it, or do not ask for it");
  }
  const driverFault = judgeDriver(config, route, from.driver, available) ??
    judgeDriver(config, route, to.driver, available);
  if (driverFault) return refusal(driverFault.code, driverFault.why, driverFault.remedy, driverFault.where);
  const access = judgeAccess(config.policy, ends.from, ends.to);
  if (!access.allowed) {
    const way = `\`${words(ends.from)} → ${words(ends.to)}\``;
    const why = access.rule
      ? `policy denies ${way} by \`${ruleWords(access.rule)}\``
      : `no rule of policy allows ${way}`;
    return refusal("route.denied", why, "change the policy, or the route", access.rule?.place ?? route.place);
  }
  const costNs = pairCostNs(route, from.driver, to.driver);
  if (route.budgetNs !== null && costNs + COST.sameCache > route.budgetNs) {
    const why =
      `its budget is ${formatDuration(route.budgetNs)} and \`${words(ends.from)} → ${words(ends.to)}\` needs ` +
      `at least ${formatDuration(costNs + COST.sameCache)}`;
    return refusal("route.budget", why, "raise the budget, or let the consumer wait by `spinThenSleep`");
  }
  return { ...ends, contract: from.endpoint.contract, version, costNs };
}

/** What makes a driver unfit for a route, whatever it is joined to. */
function judgeDriver(
  config: Config,
  route: Route,
  driver: Driver,
  available: Available,
): { code: string; why: string; remedy: string; where: Place } | undefined {
  const where = driver.place;
  if (route.critical && driver.cpu !== "pinned") {
    const why = `it is critical and driver \`${driver.name}\` is not pinned`;
    return { code: "route.unpinned", why, remedy: `set \`cpu: "pinned"\` on driver \`${driver.name}\``, where };
  }
  if (driver.network && !config.policy.network.includes(driver.name)) {
    const why = `driver \`${driver.name}\` asks for network, which policy does not grant it`;
    return { code: "driver.network", why, remedy: "grant it in `policy.network`, or do not ask for it", where };
  }
  if (!available(driver.name)) {
    const why = `a file that driver \`${driver.name}\` runs can't be read`;
    return { code: "driver.files", why, remedy: "look at its `run` and `closure`", where };
  }
  return undefined;
}

function agreedVersion(route: Route, from: Endpoint, to: Endpoint): string | { readonly why: string } {
  const asked = [route.from, route.to].filter((end): end is End & { kind: "any" } => end.kind === "any");
  let range = meet(from.accepts, to.accepts);
  let why = `version ${formatRange(from.accepts)} of its \`from\` is outside ${formatRange(to.accepts)} of its \`to\``;
  for (const end of asked) {
    if (!range) break;
    const narrower = meet(range, end.range);
    if (!narrower) why = `version ${formatRange(range)} is outside ${formatRange(end.range)}, which the route asks for`;
    range = narrower;
  }
  return range ? formatVersion(range.from) : { why };
}

export function listed(names: readonly string[]): string {
  return names.map((each) => `\`${each}\``).join(", ");
}

/** One end of a route that any driver may meet together with the other ends of the same `as`. */
export interface SharedEnd {
  readonly as: string;
  readonly side: "from" | "to";
}

export function sharedEnds(route: Route): readonly SharedEnd[] {
  const ends: SharedEnd[] = [];
  for (const side of ["from", "to"] as const) {
    const end = route[side];
    if (end.kind === "any") ends.push({ as: end.as, side });
  }
  return ends;
}

/** Takes away pairs whose driver can't meet every end of its `as`; that may take away others, so until nothing changes. */
function agreeOnDrivers(wanted: readonly Wanted[]): Wanted[] {
  let current = [...wanted];
  for (;;) {
    const missing = missingByAs(current);
    let changed = false;
    current = current.map((each) => {
      const refused: Refusal[] = [];
      const pairs = each.pairs.filter((pair) => {
        const fault = sharedEnds(each.route).map(({ as, side }) => missing.get(`${as} ${pair[side].driver}`)).find(
          Boolean,
        );
        if (!fault) return true;
        const remedy = "use another `as`, or give the driver that endpoint";
        refused.push({ from: pair.from, to: pair.to, code: "route.as", why: fault, remedy, where: each.route.place });
        return false;
      });
      changed ||= refused.length > 0;
      return { ...each, pairs, refused: [...each.refused, ...refused] };
    });
    if (!changed) return current;
  }
}

/** `as driver` → why that driver can't meet all ends of that `as`. */
function missingByAs(wanted: readonly Wanted[]): ReadonlyMap<string, string> {
  const ends = wanted.flatMap((each) => sharedEnds(each.route).map((end) => ({ ...end, each })));
  const drivers = new Map<string, Set<DriverName>>();
  const able = ends.map(({ each, side }) => new Set(each.pairs.map((pair) => pair[side].driver)));
  ends.forEach(({ as }, at) => {
    const known = drivers.get(as) ?? new Set();
    for (const driver of able[at] ?? []) known.add(driver);
    drivers.set(as, known);
  });
  const missing = new Map<string, string>();
  ends.forEach(({ as, side, each }, at) => {
    for (const driver of drivers.get(as) ?? []) {
      const key = `${as} ${driver}`;
      if (able[at]?.has(driver) || missing.has(key)) continue;
      const refusal = each.refused.find((pair) => pair[side].driver === driver);
      const because = refusal ? `: ${refusal.why}` : "";
      missing.set(
        key,
        `driver \`${driver}\` can't be \`${side}\` of route \`${each.route.name}\`, which \`${as}\` must be${because}`,
      );
    }
  });
  return missing;
}

/** Why a route has no pair at all. */
export function emptyIssue({ route, pairs, refused }: Wanted): Issue | undefined {
  const first = refused[0];
  if (pairs.length > 0) return undefined;
  const cannot = `cannot wire route \`${route.name}\` because`;
  if (!first) {
    const end = route.from.kind === "any" ? route.from : route.to;
    const contract = end.kind === "any" ? end.contract : "its contract";
    const remedy = `declare a driver with an endpoint of \`${contract}\``;
    return issue(
      "route.noProvider",
      `${cannot} no driver has an endpoint of \`${contract}\` for it`,
      remedy,
      route.place,
    );
  }
  const codes = new Set(refused.map((each) => each.code));
  if (refused.length === 1) return issue(first.code, `${cannot} ${first.why}`, first.remedy, first.where);
  const code = codes.size === 1 ? first.code : "route.noProvider";
  const remedy = codes.size === 1 ? first.remedy : "make one of them fit, or declare another driver";
  const because = `none of its ${refused.length} candidates will do: ${refusedWords(refused)}`;
  return issue(code, `${cannot} ${because}`, remedy, route.place);
}

/** Each reason once, after the candidates that have it. */
function refusedWords(refused: readonly Refusal[]): string {
  const byReason = new Map<string, string[]>();
  for (const { from, to, why } of refused) {
    const candidates = byReason.get(why) ?? [];
    byReason.set(why, [...candidates, `\`${words(from)} → ${words(to)}\``]);
  }
  const said = [...byReason].map(([why, candidates]) => `${shortened(candidates, ", ")}: ${why}`);
  return shortened(said, "; ");
}

/** Of what is named in one sentence. */
const NAMED = 8;

function shortened(texts: readonly string[], between: string): string {
  const rest = texts.length - NAMED;
  return [...texts.slice(0, NAMED), ...rest > 0 ? [`and ${rest} more`] : []].join(between);
}
