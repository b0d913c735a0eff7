/** Builders for tests: configs, topologies and scenarios in a few words, with the schema's defaults. */
import type { Config, Contract, Driver, End, Endpoint, Place, Policy, Route, Rule } from "../model/config.ts";
import type { ContractName, DriverName, EndpointName, Hash, RouteName } from "../model/names.ts";
import { type Base, EMPTY_BASE, type Scenario } from "../model/scenario.ts";
import type { Cpu, Topology } from "../model/topology.ts";
import { parseRange, parseVersion } from "../model/version.ts";
import type { Hasher } from "../ports.ts";
import { PLANNER } from "./plan.ts";

export const PLACE: Place = { file: "panel.cue", line: 1, column: 1 };

/** No cryptography: 256 bits that differ when the bytes do, for tests that may load nothing. */
export const fakeHasher: Hasher = {
  sha256: (bytes) => {
    let text = "";
    for (let seed = 0; seed < 8; seed++) {
      let hash = 0x811c9dc5 ^ (seed * 0x9e3779b1);
      for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
      hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 0;
      text += ((hash ^ (hash >>> 13)) >>> 0).toString(16).padStart(8, "0");
    }
    return text as Hash;
  },
  crc32c: (bytes) => bytes.length,
};

export function range(text: string) {
  const parsed = parseRange(text);
  if (!parsed) throw new Error(`no range: ${text}`);
  return parsed;
}

/** `imu.sample@1.2.0`; for an `out` an exact version, for an `in` a range. */
function endpoint(direction: "in" | "out", name: string, said: string | EndpointWords): Endpoint {
  const { is, capabilities = [], dependsOn = [] } = typeof said === "string" ? { is: said } : said;
  const [contract, versions] = is.split("@");
  return {
    name: name as EndpointName,
    direction,
    contract: contract as ContractName,
    accepts: range(versions ?? "*"),
    capabilities,
    dependsOn: dependsOn as EndpointName[],
  };
}

export interface EndpointWords {
  readonly is: string;
  readonly capabilities?: readonly string[];
  readonly dependsOn?: readonly string[];
}

export interface DriverWords {
  readonly in?: Readonly<Record<string, string | EndpointWords>>;
  readonly out?: Readonly<Record<string, string | EndpointWords>>;
  readonly over?: Partial<Driver>;
}

export function driver(name: string, words: DriverWords = {}): Driver {
  const endpoints = [
    ...Object.entries(words.in ?? {}).map(([each, said]) => endpoint("in", each, said)),
    ...Object.entries(words.out ?? {}).map(([each, said]) => endpoint("out", each, said)),
  ];
  return {
    name: name as DriverName,
    run: [`rtt:${name}`],
    env: new Map(),
    speaks: "kit",
    stdio: { io: "pipe", frame: { kind: "lines" }, quietNs: 2_000_000, answerWithinNs: 1_000_000_000 },
    endpoints: new Map(endpoints.map((each) => [each.name, each])),
    files: new Map(),
    closure: [],
    network: false,
    cpu: "any",
    loadPermille: 100,
    restart: { budget: 3, withinNs: 60_000_000_000 },
    startEarly: false,
    stopWithinNs: 1_000_000_000,
    memoryBytes: 64 * 1024 * 1024,
    openFiles: 64,
    place: PLACE,
    ...words.over,
  };
}

/** `imu/sample`, or `any imu.sample@^1.0 as svc`. */
export function end(text: string): End {
  const any = /^any (\S+?)@(.+) as (\S+)$/.exec(text);
  if (any) {
    return { kind: "any", contract: any[1] as ContractName, range: range(any[2] ?? "*"), as: any[3] ?? "" };
  }
  const [name, endpointName] = text.split("/");
  return { kind: "saddr", driver: name as DriverName, endpoint: endpointName as EndpointName };
}

export function route(name: string, from: string, to: string, over: Partial<Route> = {}): Route {
  return {
    name: name as RouteName,
    from: end(from),
    to: end(to),
    class: "api",
    budgetNs: null,
    rateHz: null,
    stallNs: null,
    critical: false,
    standby: false,
    onTrip: "alarm",
    fallback: new Map(),
    backpressure: "block",
    blockNs: 1_000_000,
    wait: "sleep",
    spinNs: 0,
    ringBytes: 65_536,
    drainWithinNs: 100_000_000,
    maxFrameBytes: 4_096,
    ttl: 0,
    dedupe: false,
    weight: 1,
    place: PLACE,
    ...over,
  };
}

export function rule(from: string, to: string, why: string | null = null): Rule {
  return { from, to, why, place: PLACE };
}

export interface ConfigWords {
  readonly contracts?: Readonly<Record<string, string>>;
  readonly drivers: readonly Driver[];
  readonly routes: readonly Route[];
  readonly policy?: Partial<Policy>;
}

export function config({ contracts = {}, drivers, routes, policy = {} }: ConfigWords): Config {
  return {
    panel: { name: "cell7", noPanelForNs: 60_000_000_000, prepareWithinNs: 2_000_000_000 },
    contracts: new Map(
      Object.entries(contracts).map(([name, version]) => [name as ContractName, contract(name, version)]),
    ),
    drivers: new Map(drivers.map((each) => [each.name, each])),
    routes: new Map(routes.map((each) => [each.name, each])),
    policy: {
      strict: true,
      allow: [rule("*/*", "*/*")],
      deny: [],
      network: [],
      fanout: [],
      sign: { plan: 1, manifest: 1, policy: 1 },
      waive: [],
      ...policy,
    },
  };
}

function contract(name: string, version: string): Contract {
  const parsed = parseVersion(version);
  if (!parsed) throw new Error(`no version: ${version}`);
  return { name: name as ContractName, version: parsed, capabilities: [], fields: [], earlier: [], place: PLACE };
}

/** Nodes in a row, each with caches, each with cores of so many threads; neighbours are 21 apart, others 31. */
export function topology(nodes: number, cachesOfANode = 1, coresOfACache = 2, threads = 1): Topology {
  const cpus: Cpu[] = [];
  const cores = nodes * cachesOfANode * coresOfACache;
  // As on real machines: second threads are numbered after all first ones.
  for (let thread = 0; thread < threads; thread++) {
    for (let core = 0; core < cores; core++) {
      const cache = Math.floor(core / coresOfACache);
      cpus.push({ id: thread * cores + core, node: Math.floor(cache / cachesOfANode), cache, core });
    }
  }
  const indices = Array.from({ length: nodes }, (_, at) => at);
  const distance = indices.map((one) =>
    indices.map((other) => one === other ? 10 : Math.abs(one - other) === 1 ? 21 : 31)
  );
  return { cpus, nodes: indices, distance };
}

export function scenario(config: Config, topology: Topology, solver: string, base: Base = EMPTY_BASE): Scenario {
  const hashOf = (text: string) => fakeHasher.sha256(new TextEncoder().encode(text));
  const names = [...config.drivers.keys()];
  return {
    config,
    manifests: new Map(names.map((name) => [name, hashOf(`manifest ${name}`)])),
    closures: new Map(names.map((name) => [name, { hash: hashOf(`closure ${name}`), files: [] }])),
    policy: hashOf("policy"),
    topology,
    profile: null,
    base,
    solver,
    planner: PLANNER,
  };
}
