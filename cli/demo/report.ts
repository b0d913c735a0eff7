/** The end of the demo: what was measured, with predictions where there is a profile, and by what rules it was judged. */
import { table } from "../table.ts";
import { RULE, type Sample } from "./budget.ts";
import { LIMIT_DEG } from "./demands.ts";
import type { Seen } from "./pole.ts";
import type { Story } from "./story.ts";

export function report({ screen, rows, samples }: Story): void {
  const { output, columns } = screen;
  output.object({
    outcome: "up",
    limit_deg: LIMIT_DEG,
    steps: rows.map(({ step, what, measured, seen }) => ({ step, what, measured, ...seen })),
    lanes: samples,
  });
  const steps = rows.map(({ step, what, seen }) => [`(${step})`, what, ...poleCells(seen)]);
  const lanes = samples.map(laneCells);
  screen.line();
  for (const each of table(["step", "what", "angle at most", "no force for"], steps, columns)) screen.line(each);
  screen.line();
  const head = ["step", "lane", "frames", "p50", "p99", "budget", "predicted", "judged"];
  for (const each of table(head, lanes, columns)) screen.line(each);
  screen.line();
  const { dim, bold, green, yellow } = output.paint;
  for (const each of samples.filter(({ judged }) => judged === "over")) {
    screen.say(`over budget, machine busy: (${each.step}) ${laneOf(each)}; ${fate(each)}`, yellow);
  }
  screen.say(RULE, dim);
  screen.say(
    `Exit 0: the pole fell without RTT and stayed below ${LIMIT_DEG}° with it, no frame was lost by a plan, the log verifies.`,
    dim,
  );
  screen.line();
  screen.line(bold(green("the pole stayed up")));
}

function poleCells(seen: Seen | null): readonly string[] {
  if (!seen) return ["-", "-"];
  return [seen.fallen ? "fallen" : `${seen.max_deg.toFixed(2)}°`, `${seen.longest_gap_ms.toFixed(0)} ms`];
}

function laneCells(each: Sample): readonly string[] {
  return [
    `(${each.step})`,
    laneOf(each),
    String(each.frames),
    micro(each.p50_ns),
    micro(each.p99_ns),
    each.budget_ms === null ? "-" : `${each.budget_ms} ms`,
    each.predicted_p99_ns === null ? "none" : micro(each.predicted_p99_ns),
    each.judged === "no budget" ? "-" : each.judged,
  ];
}

/** By drivers: in the demo no two lanes have the same. */
function laneOf({ from, to }: Sample): string {
  return `${from.split("/")[0]} → ${to.split("/")[0]}`;
}

function fate({ then }: Sample): string {
  return then === "noticed" ? "the guard noticed" : "it passed before it counted";
}

function micro(ns: number | null): string {
  return ns === null ? "-" : `${(ns / 1000).toFixed(0)} µs`;
}
