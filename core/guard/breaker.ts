/**
 * The breaker of a route, after `specs/Breaker`'s states: closed; open after a trip, for a time that its backoff tier gives;
 * half-open, where a few judgements in a row must be good before it closes again.
 */
import { LIMITS } from "../limits.ts";
import type { Judgement } from "./window.ts";

export type Breaker =
  /** `breachedNs`: when the first of two breaches was seen. */
  | { readonly state: "closed"; readonly tier: 0; readonly breachedNs: number | null }
  | { readonly state: "open"; readonly tier: number; readonly untilNs: number }
  | { readonly state: "halfOpen"; readonly tier: number; readonly good: number };

export const CLOSED: Breaker = { state: "closed", tier: 0, breachedNs: null };

export interface Evaluated {
  readonly breaker: Breaker;
  readonly tripped: boolean;
}

const { evaluateNs, backoffNs, goodProbes } = LIMITS.guard;

/** One evaluation, a second after the last. `quiet`: the lane is being brought up, so that nothing counts yet. */
export function evaluate(breaker: Breaker, judgement: Judgement, quiet: boolean, nowNs: number): Evaluated {
  const breach = judgement.breach && !quiet;
  switch (breaker.state) {
    case "closed":
      if (!breach) return stays({ ...breaker, breachedNs: null });
      if (breaker.breachedNs === null) return stays({ ...breaker, breachedNs: nowNs });
      return nowNs - breaker.breachedNs >= evaluateNs ? trip(breaker, nowNs) : stays(breaker);
    case "open":
      return stays(nowNs >= breaker.untilNs ? { state: "halfOpen", tier: breaker.tier, good: 0 } : breaker);
    case "halfOpen":
      if (breach) return trip(breaker, nowNs);
      // Without a frame nothing was probed.
      if (judgement.samples === 0) return stays(breaker);
      if (breaker.good + 1 >= goodProbes) return stays(CLOSED);
      return stays({ ...breaker, good: breaker.good + 1 });
  }
}

function stays(breaker: Breaker): Evaluated {
  return { breaker, tripped: false };
}

/** Opens it: for longer each time that it opens again without having closed. */
export function trip(breaker: Breaker, nowNs: number): Evaluated {
  const tier = Math.min(breaker.tier + 1, backoffNs.length);
  const untilNs = nowNs + (backoffNs[tier - 1] ?? 0);
  return { breaker: { state: "open", tier, untilNs }, tripped: true };
}
