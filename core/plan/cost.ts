/**
 * The static cost of a route: the least time that a frame needs on hardware of today, in nanoseconds. It orders candidates
 * and refuses budgets that nothing could meet. It is no prediction of p99, which needs a profile of the machine, and no
 * figure here was measured on the machine that is planned for.
 */
import type { Driver, Route } from "../model/config.ts";

/** Nanoseconds. */
export const COST = {
  /** A frame between two cores that share a cache. */
  sameCache: 100,
  /** Between two caches of one node. */
  sameNode: 200,
  /** Between nodes, for each unit of the firmware's distance (10 is near, 21 is a usual neighbour). */
  perDistance: 40,
  /** Waking a sleeping consumer: one system call and one scheduler's turn. */
  wake: 2_000,
  /** A consumer that spins first is often awake. */
  wakeAfterSpin: 500,
  /** A program joined by its stdin and stdout: two copies and a wake more. */
  pipe: 10_000,
  /** The same through a terminal's line discipline. */
  pty: 20_000,
} as const;

/** What a link costs wherever its drivers are placed, beyond the way between the two cores. */
export function pairCostNs(route: Route, from: Driver, to: Driver): number {
  const wake = route.wait === "sleep" ? COST.wake : COST.wakeAfterSpin;
  return wake + joinCostNs(from) + joinCostNs(to);
}

function joinCostNs(driver: Driver): number {
  if (driver.speaks === "kit") return 0;
  return driver.stdio.io === "pty" ? COST.pty : COST.pipe;
}

/** The way between two cores of different nodes. */
export function crossNodeNs(distance: number): number {
  return COST.perDistance * distance;
}

/** Thousandths; with it the sum over all routes stays an exact integer. */
const HEAVIEST_MILLI = 1_000_000;

/** A route's weight as a whole number of thousandths: objectives are integers. Above 1,000 it counts as 1,000. */
export function weightMilli(route: Route): number {
  return Math.min(HEAVIEST_MILLI, Math.max(0, Math.round(route.weight * 1_000)));
}
