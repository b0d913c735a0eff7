/** The pole as it says itself, a JSON line every 50 ms in the plant's log: followed, kept, and drawn. */
import { readIfThere } from "../files.ts";

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

const FOLLOW_MS = 50;
/** Degrees at the edge of the drawing, and its half width in characters. */
const EDGE_DEG = 2;
const HALF_WIDTH = 24;

export class PoleWatch {
  readonly #moments: Moment[] = [];
  #read = 0;
  #timer: number | undefined;

  constructor(readonly log: string, readonly draw: boolean) {}

  start(): void {
    this.#timer = setInterval(() => this.#follow(), FOLLOW_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#follow();
    this.clear();
  }

  /** What was seen since then, in order. */
  since(t_ms: number): readonly Moment[] {
    this.#follow();
    return this.#moments.filter((each) => each.t_ms > t_ms);
  }

  now(): number {
    this.#follow();
    return this.#moments.at(-1)?.t_ms ?? 0;
  }

  /** Takes the drawing away, so that a line of text can be written. */
  clear(): void {
    if (this.draw) Deno.stdout.writeSync(new TextEncoder().encode("\r\x1b[K"));
  }

  #follow(): void {
    const bytes = readIfThere(this.log);
    if (!bytes || bytes.length <= this.#read) return;
    const end = bytes.lastIndexOf(0x0a) + 1;
    const lines = new TextDecoder().decode(bytes.subarray(this.#read, end)).split("\n");
    this.#read = Math.max(this.#read, end);
    for (const line of lines) if (line.startsWith("{")) this.#moments.push(JSON.parse(line));
    const last = this.#moments.at(-1);
    if (this.draw && last) Deno.stdout.writeSync(new TextEncoder().encode(`\r\x1b[K${drawing(last)}`));
  }
}

/** One line: where the pole's tip is between −2° and 2°. */
export function drawing({ angle_deg, fallen }: Moment): string {
  const at = Math.round(Math.max(-1, Math.min(1, angle_deg / EDGE_DEG)) * HALF_WIDTH) + HALF_WIDTH;
  const cells = Array.from(
    { length: 2 * HALF_WIDTH + 1 },
    (_, cell) => cell === at ? (fallen ? "_" : "|") : cell === HALF_WIDTH ? "·" : " ",
  );
  return `  [${cells.join("")}] ${angle_deg.toFixed(2).padStart(6)}°${fallen ? " fallen" : ""}`;
}

export interface Seen {
  readonly maxDeg: number;
  readonly longestGapMs: number;
  readonly fallen: boolean;
  readonly moments: number;
}

export function summary(moments: readonly Moment[]): Seen {
  return {
    maxDeg: Math.max(0, ...moments.map((each) => each.max_deg)),
    longestGapMs: Math.max(0, ...moments.map((each) => each.gap_ms)),
    fallen: moments.some((each) => each.fallen),
    moments: moments.length,
  };
}
