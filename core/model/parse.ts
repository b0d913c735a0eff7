/** From the plain JSON that CUE makes to the nouns: unknown → value, or everything that is wrong with it, located. */
import { type Issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Config, End, Endpoint, Route } from "./config.ts";
import { crossCheck, type Declared, type HasFile } from "./crosscheck.ts";
import type { DriverName } from "./names.ts";
import { readContract, readPanel } from "./parse_contract.ts";
import { readDriver } from "./parse_driver.ts";
import { Node, type Places, Report, tooDeep } from "./parse_node.ts";
import { EMPTY_POLICY, readPolicy } from "./parse_policy.ts";
import { readRoute } from "./parse_route.ts";

export interface Surroundings {
  /** Whether a file is there: absolute, or relative to the project. Without it files are not asked for. */
  readonly hasFile?: HasFile;
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
  const report = new Report(places);
  const broken = new Set(surroundings.broken ?? []);
  const root = new Node(tooDeep(value) ? {} : value, "", report);
  if (tooDeep(value)) {
    report.add(
      "config.limit",
      "",
      `cannot read the project because it is nested deeper than ${LIMITS.jsonDepth}`,
      "flatten it",
    );
  }
  const contracts = readMap(root.get("contracts"), LIMITS.contracts, broken, readContract);
  const drivers = readMap(
    root.get("drivers"),
    LIMITS.drivers,
    broken,
    (name, node) => readDriver(name, node, contracts),
  );
  const endpointOf = (end: End): Endpoint | undefined =>
    end.kind === "saddr" ? drivers.get(end.driver as DriverName)?.endpoints.get(end.endpoint) : undefined;
  const routes = readMap(
    root.get("routes"),
    LIMITS.routes,
    broken,
    (name, node) => readRoute(name, node, contracts, endpointOf),
  );
  const panel = broken.has("panel") ? BROKEN_PANEL : readPanel(root.get("panel"));
  const policy = broken.has("policy") ? EMPTY_POLICY : readPolicy(root.get("policy"));
  const config: Config = { panel, contracts, drivers, routes, policy };
  const unfit = crossCheck(config, declaredNames(root, broken), report, surroundings.hasFile);
  return { config: unfit.size === 0 ? config : { ...config, routes: without(routes, unfit) }, issues: report.issues };
}

const BROKEN_PANEL = { name: "", noPanelForNs: 0, prepareWithinNs: LIMITS.prepareWithinNsMin };

function readMap<Value extends { readonly name: string }>(
  node: Node,
  most: number,
  broken: ReadonlySet<string>,
  read: (name: string, node: Node) => Value | undefined,
): ReadonlyMap<Value["name"], Value> {
  if (broken.has(node.path)) return new Map();
  return new Map(
    node.entries(most).flatMap(([name, each]): [Value["name"], Value][] => {
      const value = read(name, each);
      return value ? [[value.name, value]] : [];
    }),
  );
}

/** Names of everything that is declared, read or broken. */
function declaredNames(root: Node, broken: ReadonlySet<string>): Declared {
  const names = (section: string): ReadonlySet<string> => {
    const inside = `${section}.`;
    const lost = [...broken].filter((path) => path.startsWith(inside)).map((path) => path.slice(inside.length));
    const value = root.get(section).value;
    return new Set([...Object.keys(typeof value === "object" && value !== null ? value : {}), ...lost]);
  };
  return { contracts: names("contracts"), drivers: names("drivers"), routes: names("routes") };
}

/** The routes that are fit for further checks, without fallbacks that name others. */
function without(routes: Config["routes"], unfit: ReadonlySet<Route>): Config["routes"] {
  const fit = [...routes.values()].filter((each) => !unfit.has(each));
  const names = new Set<string>(fit.map((each) => each.name));
  return new Map(fit.map((route) => {
    const whole = [...route.fallback.keys(), ...route.fallback.values()].every((each) => names.has(each));
    return [route.name, whole ? route : { ...route, onTrip: "alarm", fallback: new Map() }];
  }));
}
