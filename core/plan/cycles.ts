/**
 * Cycles, judged on endpoints: a link leads from an `out` to an `in`, and inside a driver an `in` leads to the outs that
 * are declared to depend on it. A motor that takes commands and sends its encoder's count is therefore no cycle.
 */
import type { Config, RouteClass } from "../model/config.ts";
import type { LinkEnd } from "../model/graph.ts";
import { type RouteName, saddr } from "../model/names.ts";

export interface Wire {
  readonly route: RouteName;
  readonly class: RouteClass;
  readonly ttl: number;
  readonly dedupe: boolean;
  readonly from: LinkEnd;
  readonly to: LinkEnd;
}

export interface Cycle {
  /** `hookApi`: no bus is in it. `bus`: it goes over buses, and `lacking` has no TTL or no dedupe ids. */
  readonly kind: "hookApi" | "bus";
  readonly lacking: RouteName | null;
  /** In the order in which frames would go round. */
  readonly routes: readonly RouteName[];
}

interface Edge {
  readonly to: number;
  readonly wire: Wire | null;
}

/** One cycle that may not be, or undefined. The same one for the same wires, in any order. */
export function forbiddenCycle(wires: readonly Wire[], config: Config): Cycle | undefined {
  const sorted = [...wires].sort((one, other) => one.route < other.route ? -1 : 1);
  const { edges, indexOf } = endpointGraph(sorted, config);
  const plain = sorted.filter((each) => each.class !== "bus");
  const withoutBus = edges.map((list) => list.filter((edge) => edge.wire?.class !== "bus"));
  const component = componentsOf(withoutBus);
  for (const wire of plain) {
    const [from, to] = [indexOf(wire.from), indexOf(wire.to)];
    if (component[from] !== component[to]) continue;
    return { kind: "hookApi", lacking: null, routes: [wire.route, ...wayBack(withoutBus, to, from)] };
  }
  const whole = componentsOf(edges);
  for (const wire of sorted) {
    if (wire.class !== "bus" || (wire.ttl > 0 && wire.dedupe)) continue;
    const [from, to] = [indexOf(wire.from), indexOf(wire.to)];
    if (whole[from] !== whole[to]) continue;
    return { kind: "bus", lacking: wire.route, routes: [wire.route, ...wayBack(edges, to, from)] };
  }
  return undefined;
}

function endpointGraph(wires: readonly Wire[], config: Config): { edges: Edge[][]; indexOf: (end: LinkEnd) => number } {
  const indices = new Map<string, number>();
  const edges: Edge[][] = [];
  const ends: LinkEnd[] = [];
  const indexOf = (end: LinkEnd): number => {
    const key = saddr(end.driver, end.endpoint);
    const known = indices.get(key);
    if (known !== undefined) return known;
    indices.set(key, edges.length);
    edges.push([]);
    ends.push(end);
    return edges.length - 1;
  };
  for (const wire of wires) edges[indexOf(wire.from)]?.push({ to: indexOf(wire.to), wire });
  for (const [at, end] of ends.entries()) {
    const inputs = config.drivers.get(end.driver)?.endpoints.get(end.endpoint)?.dependsOn ?? [];
    for (const input of inputs) {
      const from = indices.get(saddr(end.driver, input));
      if (from !== undefined) edges[from]?.push({ to: at, wire: null });
    }
  }
  return { edges, indexOf };
}

/** Routes on a shortest way between two vertices of one component. */
function wayBack(edges: readonly (readonly Edge[])[], from: number, to: number): RouteName[] {
  const cameBy = new Map<number, { vertex: number; wire: Wire | null }>();
  const queue = [from];
  for (let head = 0; head < queue.length; head++) {
    const vertex = queue[head] ?? 0;
    if (vertex === to) break;
    for (const edge of edges[vertex] ?? []) {
      if (edge.to === from || cameBy.has(edge.to)) continue;
      cameBy.set(edge.to, { vertex, wire: edge.wire });
      queue.push(edge.to);
    }
  }
  const routes: RouteName[] = [];
  for (let at = to; at !== from;) {
    const step = cameBy.get(at);
    if (!step) throw new Error("bug: two vertices of one component have no way between them");
    if (step.wire) routes.unshift(step.wire.route);
    at = step.vertex;
  }
  return routes;
}

/** Strongly connected components (Tarjan), without recursion: a chain of 10,000 routes must not overflow a stack. */
export function componentsOf(edges: readonly (readonly { readonly to: number }[])[]): number[] {
  const count = edges.length;
  const component = new Array<number>(count).fill(-1);
  const order = new Array<number>(count).fill(-1);
  const low = new Array<number>(count).fill(0);
  const open: number[] = [];
  let [clock, components] = [0, 0];
  for (let root = 0; root < count; root++) {
    if (order[root] !== -1) continue;
    const calls: { vertex: number; next: number }[] = [{ vertex: root, next: 0 }];
    while (calls.length > 0) {
      const call = calls[calls.length - 1];
      if (!call) break;
      const { vertex } = call;
      if (call.next === 0) {
        order[vertex] = low[vertex] = clock++;
        open.push(vertex);
      }
      const edge = edges[vertex]?.[call.next++];
      if (edge) {
        if (order[edge.to] === -1) calls.push({ vertex: edge.to, next: 0 });
        else if (component[edge.to] === -1) low[vertex] = Math.min(low[vertex] ?? 0, order[edge.to] ?? 0);
        continue;
      }
      calls.pop();
      const parent = calls[calls.length - 1];
      if (parent) low[parent.vertex] = Math.min(low[parent.vertex] ?? 0, low[vertex] ?? 0);
      if (low[vertex] !== order[vertex]) continue;
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        component[member] = components;
        if (member === vertex) break;
      }
      components++;
    }
  }
  return component;
}
