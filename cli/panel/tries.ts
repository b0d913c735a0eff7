/** Trying again what should hold: ever later, and not for ever. */
import { LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/ports.ts";

const NS_PER_MS = 1_000_000;

export class Tries {
  #made = 0;
  #lastNs = 0;

  constructor(
    readonly clock: Pick<Clock, "monotonicNs">,
    readonly limits: Readonly<Record<keyof typeof LIMITS.tries, number>> = LIMITS.tries,
  ) {}

  /** What was tried has done its work. */
  held(): void {
    this.#made = 0;
  }

  /** Milliseconds to wait before the next try; undefined when there were enough. What has held for long was a success. */
  next(): number | undefined {
    const { most, firstNs, longestNs, holdsNs } = this.limits;
    const nowNs = this.clock.monotonicNs();
    if (nowNs - this.#lastNs >= holdsNs + longestNs) this.#made = 0;
    if (this.#made >= most) return undefined;
    this.#lastNs = nowNs;
    return Math.min(firstNs * 2 ** this.#made++, longestNs) / NS_PER_MS;
  }
}
