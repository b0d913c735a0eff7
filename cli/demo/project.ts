/** The declarations of the demo, step by step: what a user would edit between two plans. */
import type { Bench } from "./bench.ts";

/** Plan A: the Rust controller is not allowed yet, so that awk it is. */
export function declarePlanA(bench: Pick<Bench, "take">): void {
  // The cart-pole, its load and this host's metrics, unchanged from the examples, under one panel.
  bench.take("cart-pole/pole.cue", "pole.cue");
  bench.take("cart-pole/load.cue", "load.cue");
  bench.take("host-metrics/metrics.cue", "metrics.cue");
  bench.take("host-metrics/mean.awk", "mean.awk");
  bench.take("demo/panel.cue", "panel.cue");
  bench.take("demo/plan-a.cue", "step.cue");
}

/** Plan B: Rust is allowed, a stall of 40 ms trips, and awk is there to fall back on. */
export function declarePlanB(bench: Bench): void {
  bench.take("demo/plan-b.cue", "step.cue");
  bench.remove("mute.cue");
}

/** Plan C: B and a driver that starts and never says a word. */
export function declarePlanC(bench: Bench): void {
  bench.take("demo/plan-c.cue", "mute.cue");
}
