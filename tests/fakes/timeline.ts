/** A clock that moves only when something is due. */
import type { Clock } from "../../core/ports.ts";

interface Due {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

export class Timeline implements Clock {
  #now = 1_000_000_000;
  #order = 0;
  #due: Due[] = [];

  monotonicNs(): number {
    return this.#now;
  }

  wallMs(): number {
    return 1_700_000_000_000 + Math.floor(this.#now / 1_000_000);
  }

  later(afterNs: number, act: () => void): void {
    const due: Due = { at: this.#now + Math.max(0, Math.round(afterNs)), order: this.#order++, act };
    let at = this.#due.length;
    while (at > 0 && isBefore(due, this.#due[at - 1])) at--;
    this.#due.splice(at, 0, due);
  }

  /** Does the next thing that is due; false when nothing is. */
  step(): boolean {
    const next = this.#due.shift();
    if (!next) return false;
    this.#now = next.at;
    next.act();
    return true;
  }

  get waiting(): number {
    return this.#due.length;
  }
}

function isBefore(one: Due, other: Due | undefined): boolean {
  return other !== undefined && (one.at < other.at || (one.at === other.at && one.order < other.order));
}
