/** The demo's frame: steps that are shown as they happen, and what is demanded of the pole in each. */
import type { Bench } from "./bench.ts";
import { type Sample, sampleOf } from "./budget.ts";
import { demandUp } from "./demands.ts";
import { trace } from "./drawing.ts";
import { type Moment, type PoleWatch, type Seen, summary } from "./pole.ts";
import type { Screen } from "./screen.ts";
import { pause } from "./wait.ts";

export interface Row {
  readonly step: string;
  readonly what: string;
  readonly measured: string;
  /** None: the plant did not run. */
  readonly seen: Seen | null;
}

/** A step's figures in words, and what was seen of a pole that is not the plant's. */
export interface Measured {
  readonly measured: string;
  readonly moments: readonly Moment[];
}

export interface Afterwards {
  /** The pole is watched for so long after the step, too. */
  readonly afterMs?: number;
  /** Which lanes are looked at then. */
  readonly lanes?: "control" | "all" | "none";
}

const AFTER_MS = 800;
/** Longest trace of a step. */
const TRACE_WIDTH = 60;

export class Story {
  readonly rows: Row[] = [];
  readonly samples: Sample[] = [];

  constructor(readonly screen: Screen, readonly bench: Bench, readonly pole: PoleWatch) {}

  say(text: string): void {
    this.screen.say(text, this.screen.output.paint.dim);
  }

  /**
   * One step: says what it is, does it, and demands that the pole stayed up meanwhile and for a while after. `act` answers
   * what was measured.
   */
  async step(
    name: string,
    what: string,
    act: () => Promise<string | Measured>,
    { afterMs = AFTER_MS, lanes = "none" }: Afterwards = {},
  ): Promise<void> {
    const { screen, bench } = this;
    screen.head(name, what);
    const from = this.pole.now();
    const answer = await act();
    await pause(afterMs);
    bench.footprint.look();
    if (lanes !== "none") this.samples.push(...await sampleOf(name, bench, lanes === "all"));
    const moments = this.pole.since(from);
    const seen = from === 0 && moments.length === 0 ? null : summary(moments);
    if (seen) demandUp(name, seen);
    if (typeof answer === "string") this.#close({ step: name, what, measured: answer, seen }, moments);
    else this.#close({ step: name, what, measured: answer.measured, seen: summary(answer.moments) }, answer.moments);
  }

  #close(row: Row, moments: readonly Moment[]): void {
    const { screen } = this;
    const { dim, green, yellow } = screen.output.paint;
    const lanes = this.samples.filter((each) => each.step === row.step);
    for (const each of lanes) screen.say(laneWords(each), each.judged === "over" ? yellow : dim);
    if (row.seen) {
      screen.say(`${trace(moments, Math.min(TRACE_WIDTH, screen.columns - 30))} ${poleWords(row.seen)}`, dim);
    }
    screen.say(row.measured, green);
    this.rows.push(row);
    screen.output.object({ step: row.step, what: row.what, measured: row.measured, ...row.seen, lanes });
  }
}

function poleWords({ max_deg, fallen }: Seen): string {
  return fallen ? "it fell" : `${max_deg.toFixed(2)}° at most`;
}

function laneWords({ from, to, frames, p99_ns, budget_ms, judged, then }: Sample): string {
  const p99 = p99_ns === null ? "-" : `${(p99_ns / 1e6).toFixed(2)} ms`;
  const budget = budget_ms === null ? "" : ` of ${budget_ms} ms`;
  const busy = then === "noticed" ? "the guard noticed" : "it passed";
  const verdict = judged === "over"
    ? `: OVER BUDGET, this machine is busy; ${busy}`
    : judged === "too few"
    ? ", too few to judge"
    : "";
  return `${from} → ${to}: ${frames.toLocaleString("en")} frames, p99 ${p99}${budget}${verdict}`;
}
