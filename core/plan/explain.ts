/** What a plan says, as data: for `rtt show`, for `rtt explain`, and for their `--json`. Made from the plan alone. */
import type { Link, PlacedDriver } from "../model/graph.ts";
import type { Placement, Plan, Prediction, Reason } from "../model/plan.ts";
import { difference } from "./diff.ts";
import { pairWords } from "./reasons.ts";
import { SEARCH_NAME } from "./search.ts";

/** `new`, `kept`, `changed` (ends and begins again), `ended`. */
export type Fate = "new" | "kept" | "changed" | "ended";

export interface ShownDriver {
  readonly driver: string;
  readonly fate: Fate;
  readonly node: number;
  readonly cpus: readonly number[];
}

export interface ShownLink {
  readonly route: string;
  readonly fate: Fate;
  readonly class: string;
  readonly from: string;
  readonly to: string;
  readonly contract: string;
  readonly version: string;
  readonly critical: boolean;
  readonly budgetNs: number | null;
  readonly onTrip: string;
  readonly predictedP99Ns: number | null;
  readonly predictionWhy: string;
}

export interface ShownMove {
  readonly move: string;
  readonly says: string;
}

export interface Shown {
  readonly panel: string;
  readonly base: string | null;
  readonly drivers: readonly ShownDriver[];
  readonly links: readonly ShownLink[];
  readonly batches: number;
  readonly changes: number;
  readonly moves: readonly ShownMove[];
  readonly objective: Plan["objective"];
  /** Whether nothing better exists, and who says so. */
  readonly proved: boolean;
  readonly solver: string;
}

export function show(plan: Plan): Shown {
  const { starts, stops, links, unlinks } = difference(plan.from, plan.to);
  const fate = fates(starts.map((each) => each.driver), stops.map((each) => each.driver));
  const linkFate = fates(links.map((each) => each.route), unlinks.map((each) => each.route));
  const drivers = merged(plan.to.drivers, stops, (each) => each.driver);
  const shownLinks = merged(plan.to.links, unlinks, (each) => each.route);
  return {
    panel: plan.panel,
    base: plan.base.plan,
    drivers: drivers.map((each) => shownDriver(each, fate(each.driver))),
    links: shownLinks.map((each) => shownLink(each, linkFate(each.route), plan.predictions)),
    batches: plan.batches.length,
    changes: plan.batches.reduce((count, batch) => count + batch.length, 0),
    moves: plan.moves.map((move): ShownMove =>
      move.kind === "restart"
        ? { move: `restart:${move.driver}`, says: `${move.budget} times in ${seconds(move.withinNs)} s` }
        : { move: `fallback:${move.trip}`, says: fallbackWords(move.unlink, move.link) }
    ),
    objective: plan.objective,
    proved: plan.inputs.solver !== SEARCH_NAME,
    solver: plan.inputs.solver,
  };
}

export interface Explanation {
  readonly route: string;
  /** Null: a standby route that no link is made of yet. */
  readonly link: ShownLink | null;
  readonly standby: boolean;
  readonly chosen: string;
  readonly others: Reason["others"];
  /** Where the drivers of its two ends run, and why not elsewhere. */
  readonly drivers: readonly Placement[];
  /** Routes whose trip would end this one, or begin it. */
  readonly fallbacks: readonly ShownMove[];
}

/** Undefined when the plan knows no such route. */
export function explain(plan: Plan, route: string): Explanation | undefined {
  const reason = plan.reasons.find((each) => each.route === route);
  if (!reason) return undefined;
  const shown = show(plan);
  const link = shown.links.find((each) => each.route === route && each.fate !== "ended") ?? null;
  const touching = plan.moves.flatMap((move) =>
    move.kind === "fallback" &&
      (move.unlink.some((each) => each === route) || move.link.some((each) => each.route === route))
      ? [`fallback:${move.trip}`]
      : []
  );
  return {
    route,
    link,
    standby: link === null,
    chosen: reason.chosen,
    others: reason.others,
    drivers: plan.placements.filter((each) => endsOf(plan, route).includes(each.driver)),
    fallbacks: shown.moves.filter((each) => touching.includes(each.move)),
  };
}

/** The drivers of a route, a standby one too: a fallback names its link. */
function endsOf(plan: Plan, route: string): readonly string[] {
  const links = [...plan.to.links, ...plan.moves.flatMap((each) => each.kind === "fallback" ? each.link : [])];
  const link = links.find((each) => each.route === route);
  return link ? [link.from.driver, link.to.driver] : [];
}

function fates(begun: readonly string[], ended: readonly string[]): (name: string) => Fate {
  const [begins, ends] = [new Set(begun), new Set(ended)];
  return (name) => begins.has(name) ? (ends.has(name) ? "changed" : "new") : ends.has(name) ? "ended" : "kept";
}

/** What will be, and after it what will be gone. */
function merged<T>(to: readonly T[], gone: readonly T[], key: (item: T) => string): readonly T[] {
  const present = new Set(to.map(key));
  return [...to, ...gone.filter((each) => !present.has(key(each)))];
}

function shownDriver({ driver, node, cpus }: PlacedDriver, fate: Fate): ShownDriver {
  return { driver, fate, node, cpus };
}

function shownLink(link: Link, fate: Fate, predictions: readonly Prediction[]): ShownLink {
  const prediction = predictions.find((each) => each.route === link.route);
  const [from, to] = pairWords(link).split(" → ");
  return {
    route: link.route,
    fate,
    class: link.class,
    from: from ?? "",
    to: to ?? "",
    contract: link.contract,
    version: link.version,
    critical: link.critical,
    budgetNs: link.budgetNs,
    onTrip: link.onTrip,
    predictedP99Ns: prediction?.p99Ns ?? null,
    predictionWhy: prediction?.why ?? "",
  };
}

function fallbackWords(unlink: readonly string[], link: readonly Link[]): string {
  return `${unlink.join(", ")} by ${link.map((each) => `${each.route} (${pairWords(each)})`).join(", ")}`;
}

function seconds(nanoseconds: number): number {
  return nanoseconds / 1_000_000_000;
}
