/** The pole as it says itself, a JSON line every 50 ms: kept, shown, and summed up. */
import { readIfThere } from "../files.ts";
import type { Screen } from "./screen.ts";

export interface Moment {
  readonly t_ms: number;
  readonly angle_deg: number;
  /** The largest since the moment before. */
  readonly max_deg: number;
  readonly x_m: number;
  /** The longest time without a new force since the moment before. */
  readonly gap_ms: number;
  readonly fallen: boolean;
}

/** How often the plant says how it is. */
export const REPORT_MS = 50;

/** What a pole has said. */
export class Pole {
  readonly #moments: Moment[] = [];

  constructor(readonly screen: Screen) {}

  /** A line of the plant's; it also says other things than how the pole is. */
  take(line: string): void {
    if (line.startsWith("{")) this.#moments.push(JSON.parse(line));
  }

  draw(): void {
    this.screen.draw(this.#moments);
  }

  /** What was seen since then, in order. */
  since(t_ms: number): readonly Moment[] {
    return this.#moments.filter((each) => each.t_ms > t_ms);
  }

  now(): number {
    return this.#moments.at(-1)?.t_ms ?? 0;
  }
}

/** Follows the plant's log, which survives panels. */
export class PoleWatch {
  readonly #pole: Pole;
  #read = 0;
  #timer: number | undefined;

  constructor(readonly log: string, screen: Screen) {
    this.#pole = new Pole(screen);
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#follow();
      this.#pole.draw();
    }, REPORT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  since(t_ms: number): readonly Moment[] {
    this.#follow();
    return this.#pole.since(t_ms);
  }

  now(): number {
    this.#follow();
    return this.#pole.now();
  }

  #follow(): void {
    const bytes = readIfThere(this.log);
    if (!bytes || bytes.length <= this.#read) return;
    const end = bytes.lastIndexOf(0x0a) + 1;
    const lines = new TextDecoder().decode(bytes.subarray(this.#read, end)).split("\n");
    this.#read = Math.max(this.#read, end);
    for (const line of lines) this.#pole.take(line);
  }
}

/** Field names are those of `rtt demo --json`. */
export interface Seen {
  readonly max_deg: number;
  readonly longest_gap_ms: number;
  readonly fallen: boolean;
  /** How often the plant said how it is. */
  readonly reports: number;
}

export function summary(moments: readonly Moment[]): Seen {
  return {
    max_deg: Math.max(0, ...moments.map((each) => each.max_deg)),
    longest_gap_ms: Math.max(0, ...moments.map((each) => each.gap_ms)),
    fallen: moments.some((each) => each.fallen),
    reports: moments.length,
  };
}
