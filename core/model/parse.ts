/** From the plain JSON that CUE makes to the nouns: unknown → value, or everything that is wrong with it, located. */
import { type Issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Config, End, Endpoint, Policy } from "./config.ts";
import { crossCheck, type Declared } from "./crosscheck.ts";
import type { KindOf } from "./crosscheck_files.ts";
import type { RouteName } from "./names.ts";
import { readContract, readPanel } from "./parse_contract.ts";
import { readDriver } from "./parse_driver.ts";
import { Node, NOWHERE, type Places, Report, tooDeep } from "./parse_node.ts";
import { readPolicy } from "./parse_policy.ts";
import { readRoute } from "./parse_route.ts";

export interface Surroundings {
  /** What is at a path, absolute or relative to the project. Without it files are not asked for. */
  readonly kindOf?: KindOf;
  /** Paths of declared parts that are not in the value since something is wrong with them (it was said already). */
  readonly broken?: readonly string[];
}

/** What could be read. `config` holds the parts that are sound, and only routes that lead to sound parts. */
export interface Reading {
  readonly config: Config;
  readonly issues: readonly Issue[];
}

/** The whole declaration, or all that is wrong with it. */
export function parseConfig(value: unknown, places: Places, surroundings: Surroundings = {}): Result<Config> {
  const { config, issues } = readConfig(value, places, surroundings);
  return issues.length === 0 ? ok(config) : refuse(...issues);
}

export function readConfig(value: unknown, places: Places, surroundings: Surroundings = {}): Reading {
  const report = new Report(places, surroundings.broken);
  const root = new Node(tooDeep(value) ? {} : value, "", report);
  if (tooDeep(value)) {
    const message = `cannot read the project because it is nested deeper than ${LIMITS.jsonDepth}`;
    report.add("config.limit", "panel", message, "write it flatter");
  }
  const read = readAll(root);
  const unfit = crossCheck(read, declaredNames(root, surroundings.broken ?? []), report, surroundings.kindOf);
  const sound = <Value extends { readonly name: string }>(section: string, all: ReadonlyMap<Value["name"], Value>) =>
    new Map([...all].filter(([name]) => report.sound(`${section}.${name}`)));
  const drivers = sound("drivers", read.drivers);
  const contracts = sound("contracts", read.contracts);
  const routes = sound("routes", read.routes);
  const policy = readablePolicy(read, report);
  const whole: Config = { panel: read.panel, contracts, drivers, routes, policy };
  return { config: { ...whole, routes: fitRoutes(whole, unfit) }, issues: report.issues };
}

/** Rules of which some can't be read refuse nothing: that would be held against routes that have no fault. */
function readablePolicy({ policy, drivers, routes }: Config, report: Report): Policy {
  const place = policy.allow[0]?.place ?? NOWHERE;
  const all: Policy = {
    ...policy,
    allow: [{ from: "*/*", to: "*/*", why: null, place }],
    deny: [],
    network: [...drivers.keys()],
  };
  const readable = ["allow", "deny", "network"].every((each) => report.sound(`policy.${each}`));
  return { ...(readable ? policy : all), fanout: policy.fanout.filter((name) => routes.has(name)) };
}

/** Everything that can be spoken of, parts that are no good included. */
function readAll(root: Node): Config {
  const contracts = readMap(root.get("contracts"), LIMITS.contracts, readContract);
  const drivers = readMap(root.get("drivers"), LIMITS.drivers, (name, node) => readDriver(name, node, contracts));
  const endpointOf = (end: End): Endpoint | undefined =>
    end.kind === "saddr" ? drivers.get(end.driver)?.endpoints.get(end.endpoint) : undefined;
  const routes = readMap(
    root.get("routes"),
    LIMITS.routes,
    (name, node) => readRoute(name, node, contracts, endpointOf),
  );
  return { panel: readPanel(root.get("panel")), contracts, drivers, routes, policy: readPolicy(root.get("policy")) };
}

function readMap<Value extends { readonly name: string }>(
  node: Node,
  most: number,
  read: (name: string, node: Node) => Value | undefined,
): ReadonlyMap<Value["name"], Value> {
  return new Map(
    node.entries(most).flatMap(([name, each]): [Value["name"], Value][] => {
      const value = read(name, each);
      return value ? [[value.name, value]] : [];
    }),
  );
}

/** Names of everything that is declared, read or broken. */
function declaredNames(root: Node, broken: readonly string[]): Declared {
  const names = (section: string): ReadonlySet<string> => {
    const inside = `${section}.`;
    const value = root.get(section).value;
    const there = Object.keys(typeof value === "object" && value !== null ? value : {});
    const lost = broken.filter((path) => path.startsWith(inside)).map((path) => path.slice(inside.length));
    // A path that goes on from a name that is there is a part of that, and no name.
    return new Set([...there, ...lost.filter((name) => !there.some((each) => name.startsWith(`${each}.`)))]);
  };
  return { contracts: names("contracts"), drivers: names("drivers"), routes: names("routes") };
}

/** The routes that are fit for further checks, without fallbacks that name others. */
function fitRoutes({ routes, drivers, contracts }: Config, unfit: ReadonlySet<RouteName>): Config["routes"] {
  const leads = (end: End) => end.kind === "any" ? contracts.has(end.contract) : drivers.has(end.driver);
  const fit = [...routes.values()].filter((each) => !unfit.has(each.name) && leads(each.from) && leads(each.to));
  const names = new Set<string>(fit.map((each) => each.name));
  return new Map(fit.map((route) => {
    const whole = [...route.fallback.keys(), ...route.fallback.values()].every((each) => names.has(each));
    return [route.name, whole ? route : { ...route, onTrip: "alarm", fallback: new Map() }];
  }));
}
