/** `rtt status --json`: links and drivers of Desired, each beside what is observed and measured. Field names are a contract. */
import type { Guard, Watched } from "../guard/guard.ts";
import type { LaneFigures, Sandbox } from "../keeper.ts";
import type { Graph, Link } from "../model/graph.ts";
import type { Hash, Instance, PlanId, RouteName } from "../model/names.ts";
import type { Prediction } from "../model/plan.ts";
import type { Observed, ObservedDriver } from "./facts.ts";
import { quantile } from "./histogram.ts";

export interface Status {
  readonly panel: string;
  readonly serial: number;
  /** The log's last hash. */
  readonly root: Hash;
  readonly plan: PlanId | null;
  readonly graph: Hash;
  readonly epoch: number;
  /** Fallbacks and cuts in force. */
  readonly moves: readonly string[];
  readonly links: readonly LinkStatus[];
  readonly drivers: readonly DriverStatus[];
}

export interface LinkStatus {
  readonly route: RouteName;
  readonly class: string;
  readonly from: string;
  readonly to: string;
  /** `degraded`: one of its drivers is down. `ended`: a move has ended it. */
  readonly state: "up" | "degraded" | "missing" | "ended";
  readonly lane: string;
  readonly cpu: { readonly from: readonly number[]; readonly to: readonly number[] };
  readonly frames: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly depth: number;
  readonly p50_ns: number | null;
  readonly p95_ns: number | null;
  readonly p99_ns: number | null;
  readonly predicted_p99_ns: number | null;
  readonly budget_ms: number | null;
  readonly breaker: string;
  readonly backoff_tier: number;
  /** The two witnesses of the budget disagree. */
  readonly disputed: boolean;
  readonly trips: number;
  readonly last_trip: string | null;
}

export interface DriverStatus {
  readonly name: string;
  readonly instance: string | null;
  readonly pid: number | null;
  readonly state: string;
  /** Begun by this panel. */
  readonly restarts: number;
  readonly sandbox: Sandbox;
  /** Why it stays down, or how its last instance ended, where that is known. */
  readonly why: string | null;
  /** What its instance has told of a failure of its own, with the code: a claim. */
  readonly said: string | null;
}

export interface StatusInput {
  readonly panel: string;
  readonly serial: number;
  readonly root: Hash;
  readonly plan: PlanId | null;
  readonly graphHash: Hash;
  readonly moves: readonly string[];
  readonly desired: Graph;
  /** The committed plan's own graph: links of it that a move has ended are shown as such. */
  readonly committed: Graph;
  readonly serving: Readonly<Record<string, Instance>>;
  readonly down: Readonly<Record<string, string>>;
  readonly ends: Readonly<Record<string, string>>;
  readonly said: Readonly<
    Record<string, { readonly instance: Instance; readonly code: string; readonly message: string }>
  >;
  readonly restarts: Readonly<Record<string, readonly number[]>>;
  readonly observed: Observed;
  readonly figures: readonly LaneFigures[];
  readonly guard: Guard;
  readonly predictions: readonly Prediction[];
}

export function statusOf(input: StatusInput): Status {
  const { panel, serial, root, plan, graphHash, moves, desired, committed, observed } = input;
  const now = new Set(desired.links.map((each) => each.route));
  const ended = committed.links.filter((each) => !now.has(each.route));
  const links = [...desired.links, ...ended].map((each) => linkStatus(each, input, !now.has(each.route)));
  return {
    panel,
    serial,
    root,
    plan,
    graph: graphHash,
    epoch: observed.epoch,
    moves,
    links: links.sort((one, other) => one.route < other.route ? -1 : one.route > other.route ? 1 : 0),
    drivers: desired.drivers.map((each) => driverStatus(each.driver, input)),
  };
}

function linkStatus(link: Link, input: StatusInput, isEnded: boolean): LinkStatus {
  const figures = input.figures.filter((each) => each.route === link.route);
  const active = figures.find((each) => each.active);
  const watched = input.guard.routes.get(link.route);
  const times = timesOf(active, watched);
  const cpus = new Map(input.desired.drivers.map((each) => [each.driver, each.cpus]));
  return {
    route: link.route,
    class: link.class,
    from: `${link.from.driver}/${link.from.endpoint}`,
    to: `${link.to.driver}/${link.to.endpoint}`,
    state: isEnded ? "ended" : stateOf(link, input),
    lane: "stream",
    cpu: { from: cpus.get(link.from.driver) ?? [], to: cpus.get(link.to.driver) ?? [] },
    frames: active?.received ?? 0,
    drops: dropsOf(active),
    depth: active?.depth ?? 0,
    p50_ns: times.p50Ns,
    p95_ns: times.p95Ns,
    p99_ns: times.p99Ns,
    predicted_p99_ns: input.predictions.find((each) => each.route === link.route)?.p99Ns ?? null,
    budget_ms: link.budgetNs === null ? null : link.budgetNs / 1e6,
    breaker: watched?.breaker.state ?? "closed",
    backoff_tier: watched?.breaker.tier ?? 0,
    disputed: watched?.judgement.disputed ?? false,
    trips: watched?.trips ?? 0,
    last_trip: watched?.lastTrip?.why ?? null,
  };
}

/** Of the last 10 s where the guard has a window of this lane, else of its whole life. */
function timesOf(active: LaneFigures | undefined, watched: Watched | undefined) {
  if (watched && active && watched.window.lane === active.lane && watched.judgement.samples > 0) {
    return watched.judgement;
  }
  const counts = active?.histogram ?? [];
  return { p50Ns: quantile(counts, 500), p95Ns: quantile(counts, 950), p99Ns: quantile(counts, 990) };
}

function dropsOf(active: LaneFigures | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(active?.drops ?? {}).filter(([, count]) => count > 0));
}

function stateOf(link: Link, { observed, down, serving }: StatusInput): "up" | "degraded" | "missing" {
  const ends = [link.from.driver, link.to.driver];
  const runs = (driver: string): boolean =>
    observed.drivers.some((each) => each.instance === serving[driver] && each.state === "running" && each.connected);
  if (ends.some((each) => down[each] !== undefined || !runs(each))) return "degraded";
  const found = observed.links.find((each) => each.route === link.route);
  return found?.from && found.to && found.sealed ? "up" : "missing";
}

function driverStatus(name: string, { observed, serving, down, ends, said, restarts }: StatusInput): DriverStatus {
  const instance = serving[name];
  const fact = observed.drivers.find((each): each is ObservedDriver => each.instance === instance);
  const told = said[name];
  return {
    name,
    instance: instance ?? null,
    pid: fact && fact.state !== "exited" ? fact.pid : null,
    state: fact?.state ?? "down",
    restarts: restarts[name]?.length ?? 0,
    sandbox: fact?.sandbox ?? {},
    why: down[name] ?? ends[name] ?? null,
    said: told && told.instance === instance ? `${told.message} (${told.code})` : null,
  };
}
