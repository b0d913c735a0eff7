/** The demo's frame: steps that are shown as they happen, and what is demanded of the pole in each. */
import type { Call } from "../command.ts";
import { type Bench, failed } from "./bench.ts";
import { type PoleWatch, type Seen, summary } from "./pole.ts";

/** The angle that no step may reach, degrees. */
export const LIMIT_DEG = 5;

export interface Row {
  readonly step: string;
  readonly what: string;
  readonly seen: Seen | null;
  readonly measured: string;
}

/** A step's figures in words, and what was seen of a pole that is not the plant's. */
export interface Measured {
  readonly measured: string;
  readonly seen: Seen;
}

export class Story {
  readonly rows: Row[] = [];

  constructor(readonly call: Call, readonly bench: Bench, readonly pole: PoleWatch) {}

  /** A line of what happens. */
  say(text: string): void {
    this.pole.clear();
    this.call.output.line(`    ${text}`);
  }

  /**
   * One step: says what it is, does it, and demands that the pole stayed up meanwhile and for `afterMs` more. `act` answers
   * what was measured.
   */
  async step(name: string, what: string, act: () => Promise<string | Measured>, afterMs = 800): Promise<void> {
    this.pole.clear();
    this.call.output.line(`${this.call.output.paint.bold(`(${name})`)} ${what}`);
    const from = this.pole.now();
    const answer = await act();
    await pause(afterMs);
    const moments = this.pole.since(from);
    const seen = from === 0 && moments.length === 0 ? null : summary(moments);
    if (seen) this.#demand(name, seen);
    const [measured, shown] = typeof answer === "string" ? [answer, seen] : [answer.measured, answer.seen];
    this.rows.push({ step: name, what, seen: shown, measured });
    if (measured !== "") this.say(this.call.output.paint.green(measured));
    this.call.output.object({ step: name, what, measured, ...(shown ?? {}) });
  }

  #demand(name: string, seen: Seen): void {
    if (seen.moments === 0) throw failed(`the plant said nothing in step (${name})`);
    if (seen.fallen || seen.maxDeg >= LIMIT_DEG) {
      throw failed(`the pole reached ${seen.maxDeg.toFixed(2)}° in step (${name}), and ${LIMIT_DEG}° is the limit`);
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}

/** Looks again every 10 ms until it holds. */
export async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await holds())) {
    if (performance.now() - began > withinMs) throw failed(`${what} did not happen within ${withinMs} ms`);
    await pause(10);
  }
  return performance.now() - began;
}
