/** The declarations of the demo, step by step: what a user would edit between two plans. */
import type { Bench } from "./bench.ts";

/** The cart-pole, its load and this host's metrics, unchanged from the examples, under one panel. */
export function declare(bench: Bench): void {
  bench.take("cart-pole", "pole.cue");
  bench.take("cart-pole", "load.cue");
  bench.take("host-metrics", "metrics.cue");
  bench.take("host-metrics", "mean.awk");
  bench.write(
    "panel.cue",
    `package panel

import "rtt.local/rtt"

panel: rtt.#Panel & {name: "demo"}
policy: allow: [
	{from: "plant/*", to: "*/*"},
	{from: "*/*", to: "plant/*"},
	{from: "*/frames", to: "*/frames"},
	{from: "sampler/*", to: "mean/*"},
	{from: "mean/*", to: "recorder/*"},
]
`,
  );
}

/** Plan A: the Rust controller is not allowed yet, so that awk it is. */
export const DENY_RUST = `package panel

policy: deny: [
	{from: "*/*", to: "rust/*", why: "not released yet"},
	{from: "rust/*", to: "*/*", why: "not released yet"},
]
`;

/** Plan B: Rust is allowed, a stall of 40 ms trips, and awk is there to fall back on. */
export const ALLOW_RUST = `package panel

routes: sense: {stall: "40ms", onTrip: "fallback", fallback: {sense: "senseSpare", act: "actSpare"}}
routes: senseSpare: {from: "plant/state", to: "awk/state", standby: true, p99: "5ms", rate: "1kHz", backpressure: "dropNewest"}
routes: actSpare: {from: "awk/force", to: "plant/force", standby: true, p99: "5ms", rate: "1kHz", backpressure: "dropNewest"}
`;

/** Plan C adds a driver that starts and never says a word. */
export const MUTE = `package panel

drivers: mute: {run: ["/bin/sleep", "600"], in: frames: "load.frame@^1.0"}
drivers: extra: {run: ["rtt:gen", "--rate=10"], out: frames: "load.frame@1.0.0"}
routes: extra: {from: "extra/frames", to: "mute/frames"}

`;
