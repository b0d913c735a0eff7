/**
 * All breakers of a panel as one state machine. It has no clock: the loop shows it the lanes' figures every 100 ms, and more
 * often where a stall is declared, and it answers with what is to be done: an alarm, or an act that the plan permits.
 */
import type { Act } from "../apply/types.ts";
import type { LaneFigures } from "../keeper.ts";
import { LIMITS } from "../limits.ts";
import type { Link } from "../model/graph.ts";
import type { RouteName } from "../model/names.ts";
import { type Breaker, CLOSED, evaluate, trip } from "./breaker.ts";
import { isStalled } from "./stall.ts";
import { judge, type Judgement, openWindow, slide, type Window } from "./window.ts";

export interface Guard {
  readonly routes: ReadonlyMap<RouteName, Watched>;
}

export interface Watched {
  readonly window: Window;
  readonly breaker: Breaker;
  readonly judgement: Judgement;
  readonly evaluatedNs: number;
  /** The lane whose stall has tripped: it trips once. */
  readonly stalledLane: number | null;
  readonly trips: number;
  readonly lastTrip: Trip | null;
}

export interface Trip {
  readonly route: RouteName;
  readonly cause: "budget" | "stall";
  readonly why: string;
  readonly atNs: number;
  /** What the plan says to do; null: an alarm, and nothing else. */
  readonly act: Act | null;
}

export interface GuardEvent {
  /** `snapshot` every 100 ms, `look` every quarter of the shortest stall. */
  readonly kind: "snapshot" | "look";
  /** Of Desired. */
  readonly links: readonly Link[];
  /** Routes that are no link now and whose breaker is remembered: those that a move has ended. */
  readonly remembered: readonly RouteName[];
  readonly figures: readonly LaneFigures[];
  readonly nowNs: number;
}

export interface Guarded {
  readonly guard: Guard;
  readonly trips: readonly Trip[];
}

export const NO_GUARD: Guard = { routes: new Map() };

export function guardStep(guard: Guard, event: GuardEvent): Guarded {
  const active = new Map(event.figures.filter((each) => each.active).map((each) => [each.route, each]));
  const routes = new Map<RouteName, Watched>();
  const trips: Trip[] = [];
  for (const route of event.remembered) {
    const before = guard.routes.get(route);
    if (before) routes.set(route, before);
  }
  for (const link of event.links) {
    const figures = active.get(link.route);
    const before = guard.routes.get(link.route);
    if (!figures) {
      if (before) routes.set(link.route, before);
      continue;
    }
    const watched = event.kind === "snapshot" ? watch(before, figures, link, event.nowNs) : before;
    if (!watched) continue;
    const [after, happened] = decide(rearmed(watched, figures, link), figures, link, event);
    trips.push(...happened);
    routes.set(link.route, after);
  }
  return { guard: { routes }, trips };
}

/** A lane's window restarts with the lane; its breaker is the route's and stays. */
function watch(before: Watched | undefined, figures: LaneFigures, link: Link, nowNs: number): Watched {
  const window = before ? slide(before.window, figures, nowNs) : openWindow(figures, nowNs);
  const judgement = judge(window, link.budgetNs ?? 0);
  if (before) return { ...before, window, judgement };
  return { window, breaker: CLOSED, judgement, evaluatedNs: nowNs, stalledLane: null, trips: 0, lastTrip: null };
}

/**
 * When a stall may trip again: the lane moves and its breaker has closed, or it still stands (what was to be done about it was
 * not done) and the breaker has waited for its backoff.
 */
function rearmed(watched: Watched, figures: LaneFigures, { stallNs }: Link): Watched {
  const moves = stallNs === null || figures.oldestNs < stallNs;
  const { state } = watched.breaker;
  return (moves && state === "closed") || state === "halfOpen" ? { ...watched, stalledLane: null } : watched;
}

function decide(watched: Watched, figures: LaneFigures, link: Link, event: GuardEvent): [Watched, readonly Trip[]] {
  const { nowNs } = event;
  const laneAge = watched.window.lane === figures.lane ? nowNs - watched.window.beganNs : 0;
  if (link.stallNs !== null && watched.stalledLane !== figures.lane && isStalled(figures, link.stallNs, laneAge)) {
    const why = `its oldest frame waits for ${ms(figures.oldestNs)} and ${ms(link.stallNs)} is a stall`;
    const { breaker } = trip(watched.breaker, nowNs);
    return tripped({ ...watched, breaker, stalledLane: figures.lane }, {
      cause: "stall",
      why,
      act: actOf(link, why),
      link,
      nowNs,
    });
  }
  if (event.kind !== "snapshot" || nowNs - watched.evaluatedNs < LIMITS.guard.evaluateNs) return [watched, []];
  const { samples, over } = watched.judgement;
  const enough = samples >= samplesForAct(link);
  // While the window fills, what would make a move waits for its samples; an alarm does not.
  const isRipe = enough || link.onTrip === "alarm" || laneAge >= LIMITS.guard.windowNs;
  const quiet = laneAge < LIMITS.guard.quietNs || !isRipe;
  const evaluated = evaluate(watched.breaker, watched.judgement, quiet, nowNs);
  const after: Watched = { ...watched, breaker: evaluated.breaker, evaluatedNs: nowNs };
  if (!evaluated.tripped) return [after, []];
  const why = `${over} of ${samples} frames in 10 s were over its budget of ${ms(link.budgetNs ?? 0)}`;
  const act = enough ? actOf(link, why) : null;
  const said = enough || link.onTrip === "alarm" ? why : `${why}; too few for more than an alarm`;
  return tripped(after, { cause: "budget", why: said, act, link, nowNs });
}

/** 5,000, or what the route sends in a window, if that is declared and fewer. */
export function samplesForAct({ rateHz }: Link): number {
  const { samplesForAct: most, windowNs } = LIMITS.guard;
  return rateHz === null ? most : Math.min(most, Math.max(1, Math.floor(rateHz * windowNs / 1e9 * 0.9)));
}

function tripped(
  watched: Watched,
  { cause, why, act, link, nowNs }: { cause: Trip["cause"]; why: string; act: Act | null; link: Link; nowNs: number },
): [Watched, readonly Trip[]] {
  const done: Trip = { route: link.route, cause, why: `route ${link.route}: ${why}`, atNs: nowNs, act };
  return [{ ...watched, trips: watched.trips + 1, lastTrip: done }, [done]];
}

/** `onTrip` as the act that the apply machine is asked for. */
export function actOf(link: Link, why: string): Act | null {
  switch (link.onTrip) {
    case "alarm":
      return null;
    case "fallback":
      return { kind: "move", move: `fallback:${link.route}`, why };
    case "cut":
      return { kind: "move", move: `cut:${link.route}`, why };
    case "rollback":
      return { kind: "rollback" };
  }
}

function ms(ns: number): string {
  return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
}
