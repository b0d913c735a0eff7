/** A declaration as CUE hands it on, and ways to change it. */
import type { Place } from "../../core/model/config.ts";

export const NO_PLACES: ReadonlyMap<string, Place> = new Map();

/** A declaration with defaults in, as CUE makes it. */
export const SOUND = {
  panel: { name: "cell7", noPanelFor: "60s", prepareWithin: "2s" },
  contracts: { load: { version: "1.0.0", capabilities: ["bulk"], fields: [{ name: "n", type: "u64" }] } },
  drivers: { gen: driver({ out: { load: "load@1.0.0" } }), sink: driver({ in: { load: "load@^1.0" } }) },
  routes: {
    load: {
      ...{ from: "gen/load", to: { any: "load@^1.0", as: "sink" }, class: "hook", p99: "5ms", rate: "200Hz" },
      ...{ critical: false, standby: false, onTrip: "alarm", fallback: {}, backpressure: "block", block: "100ms" },
      ...{ wait: "sleep", spin: "20us", ring: "64KiB", drain: {}, ttl: 8, dedupe: true, weight: 1 },
    },
  },
  policy: {
    ...{ strict: true, allow: [{ from: "gen/*", to: "sink/*" }], deny: [], network: [], fanout: [] },
    ...{ sign: { plan: 1, manifest: 1, policy: 1 }, waive: {} },
  },
};

export function driver(ends: Readonly<Record<string, unknown>>) {
  return {
    ...{ run: ["rtt:gen"], env: {}, speaks: "kit", frame: "lines", io: "pipe", quiet: "2ms", answerWithin: "1s" },
    ...{ in: {}, out: {}, files: {}, closure: [], network: false, cpu: "any", load: 0.1 },
    ...{ restart: { budget: 3, within: "60s" }, startEarly: false, stopWithin: "1s" },
    ...{ memory: "512MiB", openFiles: 256, ...ends },
  };
}

export function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, each]) => pathsOf(each, [...path, name]))];
}

export function replaced(value: unknown, [head, ...rest]: readonly string[], by: unknown): unknown {
  if (head === undefined) return by;
  if (Array.isArray(value)) return value.map((each, at) => String(at) === head ? replaced(each, rest, by) : each);
  const members = value as Record<string, unknown>;
  return { ...members, [head]: replaced(members[head], rest, by) };
}
