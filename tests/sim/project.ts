/** Random projects for the simulator: drivers that exist, graphs over them, and the plans from one graph to the next. */
import type { Graph, Link, PlacedDriver } from "../../core/model/graph.ts";
import type { Manifest } from "../../core/model/manifest.ts";
import type { DriverName, EndpointName, Hash, PlanId, RouteName } from "../../core/model/names.ts";
import { type AdmittedPlan, type Move, type Plan, PLAN_VERSION } from "../../core/model/plan.ts";
import type { ContractName } from "../../core/model/names.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { graphHash, planId } from "../../core/trust/plan_file.ts";
import { hasher } from "../fakes/hasher.ts";
import type { Random } from "../fakes/random.ts";
import { FakeStore } from "../fakes/store.ts";

const DRIVERS = ["ant", "bee", "cat", "dog", "eel"] as const;
const OUTPUTS = ["out0", "out1"] as const;
const INPUTS = ["in0", "in1", "in2"] as const;
const ZERO = "0".repeat(64) as Hash;

export interface Project {
  readonly store: FakeStore;
  readonly random: Random;
}

export function makeProject(random: Random): Project {
  return { store: new FakeStore(hasher), random };
}

/** A driver with a version: another version has another closure, so that it must be replaced. */
export function placed(store: FakeStore, driver: string, version: number, cpus: readonly number[] = [0]): PlacedDriver {
  const closure = store.put(
    canonical([{ path: `${driver}.bin`, hash: hasher.sha256(Uint8Array.of(version)), executable: true }]),
  );
  return { driver: driver as DriverName, manifest: store.put(canonical(manifest(driver))), closure, cpus, node: 0 };
}

function manifest(name: string): Manifest {
  const end = (endpoint: string, direction: "in" | "out") => ({
    name: endpoint as EndpointName,
    direction,
    contract: "test.frame" as ContractName,
    accepts: direction === "out" ? "=1.0.0" : ">=1.0.0 <2.0.0",
    version: "1.0.0",
    capabilities: [],
    dependsOn: [],
    fields: [],
  });
  return {
    version: 2,
    name: name as DriverName,
    run: [`./${name}.bin`],
    env: [],
    speaks: "kit",
    stdio: null,
    endpoints: [...INPUTS.map((each) => end(each, "in")), ...OUTPUTS.map((each) => end(each, "out"))],
    files: [],
    closure: [],
    network: false,
    cpu: "any",
    loadPermille: 100,
    restart: { budget: 3, withinNs: 60_000_000_000 },
    startEarly: false,
    stopWithinNs: 200_000_000,
    memoryBytes: 1 << 26,
    openFiles: 64,
  };
}

export function link(route: string, number: number, from: string, to: string, over: Partial<Link> = {}): Link {
  const [fromDriver = "", output = ""] = from.split("/");
  const [toDriver = "", input = ""] = to.split("/");
  return {
    route: route as RouteName,
    routeId: number,
    class: "hook",
    from: { driver: fromDriver as DriverName, endpoint: output as EndpointName },
    to: { driver: toDriver as DriverName, endpoint: input as EndpointName },
    contract: "test.frame" as ContractName,
    version: "1.0.0",
    critical: false,
    budgetNs: null,
    stallNs: null,
    rateHz: null,
    onTrip: "alarm",
    backpressure: "block",
    blockNs: 1_000_000,
    wait: "sleep",
    spinNs: 0,
    ringBytes: 4_096,
    maxFrameBytes: 64,
    drainWithinNs: 1_000_000,
    ttl: null,
    dedupe: null,
    ...over,
  };
}

export function randomGraph({ store, random }: Project, before: Graph): Graph {
  const was = new Map<string, PlacedDriver>(before.drivers.map((each) => [each.driver, each]));
  const drivers = random.some(DRIVERS, 0.7).map((driver) =>
    (random.chance(0.6) ? was.get(driver) : undefined) ?? placed(store, driver, random.below(3))
  );
  const names = drivers.map((each) => each.driver);
  const links: Link[] = [];
  for (const from of names) {
    for (const [port, output] of OUTPUTS.entries()) {
      const to = random.pick(names);
      if (to === undefined || to === from || !random.chance(0.6)) continue;
      const old = before.links.find((each) => each.from.driver === from && each.from.endpoint === output);
      if (old && random.chance(0.5) && names.includes(old.to.driver)) links.push(old);
      else {
        const route = `${from}-${port}`;
        const onTrip = random.chance(0.3) ? "cut" : "alarm";
        links.push(link(route, routeNumber(route), `${from}/${output}`, `${to}/${random.pick(INPUTS)}`, { onTrip }));
      }
    }
  }
  const sorted = links.sort((one, other) => one.route < other.route ? -1 : 1);
  return { drivers, links: sorted };
}

/** Numbers of routes are theirs by name, as in a real plan. */
function routeNumber(route: string): number {
  return Number.parseInt(hasher.sha256(new TextEncoder().encode(route)).slice(0, 8), 16);
}

function randomMoves(random: Random, graph: Graph): readonly Move[] {
  const restarts = graph.drivers.flatMap((each): Move[] =>
    random.chance(0.9) ? [{ kind: "restart", driver: each.driver, budget: 3, withinNs: 60_000_000_000 }] : []
  );
  const tripping = random.pick(graph.links);
  const spare = graph.drivers.map((each) => each.driver).find((each) =>
    each !== tripping?.from.driver && each !== tripping?.to.driver
  );
  if (!tripping || spare === undefined) return restarts;
  const standby: Link = {
    ...tripping,
    route: `${tripping.route}-spare` as RouteName,
    routeId: routeNumber(`${tripping.route}-spare`),
    to: { driver: spare, endpoint: "in2" as EndpointName },
  };
  return [...restarts, { kind: "fallback", trip: tripping.route, unlink: [tripping.route], link: [standby] }];
}

export interface Base {
  readonly plan: PlanId | null;
  readonly graph: Graph;
  readonly serial: number;
}

/** An admitted plan from what is committed to a random graph; its document is put into the store, as `rtt apply` does. */
export function randomPlan(project: Project, base: Base): AdmittedPlan {
  return admittedPlan(
    project.store,
    base,
    randomGraph(project, base.graph),
    (graph) => randomMoves(project.random, graph),
  );
}

export function admittedPlan(
  store: FakeStore,
  base: Base,
  to: Graph,
  moves: (graph: Graph) => readonly Move[] = () => [],
): AdmittedPlan {
  const plan: Plan = {
    version: PLAN_VERSION,
    panel: "sim",
    base: { plan: base.plan, graph: graphHash(base.graph, hasher) },
    from: base.graph,
    to,
    batches: [],
    inverse: [],
    moves: moves(to),
    reasons: [],
    placements: [],
    predictions: [],
    gates: { policy: ZERO, manifests: {}, closures: {} },
    inputs: { config: ZERO, facts: ZERO, solver: "none", planner: "sim", fingerprint: ZERO },
    objective: { latency: 0, crossNode: 0, churn: 0 },
  };
  const bytes = canonical(plan);
  store.put(bytes);
  const grant = { panel: "sim", predecessor: base.plan, serial: base.serial + 1, notBefore: 0, notAfter: 1 };
  return { id: planId(bytes, hasher), plan, grant, signers: ["sim"] } as unknown as AdmittedPlan;
}
