/** A route's `stall`: the oldest uncredited frame of that age trips by itself, at once, whatever the window says. */
import type { LaneFigures } from "../keeper.ts";
import { LIMITS } from "../limits.ts";
import type { Link } from "../model/graph.ts";

/** How often to look: a quarter of the shortest stall that is declared; null when none is. */
export function lookEveryNs(links: readonly Link[]): number | null {
  const stalls = links.flatMap((each) => each.stallNs === null ? [] : [each.stallNs]);
  if (stalls.length === 0) return null;
  return Math.max(LIMITS.stallNsMin, Math.min(...stalls)) / 4;
}

/**
 * True when the lane stands still. A consumer that has never taken a frame is being brought up, and has `quietNs` for it:
 * a foreign program starts when its first lane is active.
 */
export function isStalled(figures: LaneFigures, stallNs: number, laneAgeNs: number): boolean {
  if (!figures.active || figures.depth <= 0 || figures.oldestNs < stallNs) return false;
  return figures.received > 0 || laneAgeNs >= LIMITS.guard.quietNs;
}
