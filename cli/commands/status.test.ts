/** The table of `rtt status`: what was dropped and what was lost are two things, and each stands under its name. */
import { assertEquals } from "@std/assert";
import type { LinkStatus } from "../../core/observe/status.ts";
import { openOutput } from "../output.ts";
import type { StatusView } from "../panel/views.ts";
import { words } from "./status.ts";

const LINK = {
  route: "sense",
  class: "hook",
  from: "plant/state",
  to: "awk/state",
  state: "up",
  lane: "stream",
  cpu: { from: [], to: [] },
  frames: 900,
  drops: { full: 2, superseded: 1 },
  depth: 0,
  p50_ns: 20_000,
  p95_ns: null,
  p99_ns: 1_500_000,
  predicted_p99_ns: null,
  budget_ms: 5,
  breaker: "closed",
  backoff_tier: 0,
  disputed: false,
  trips: 0,
  last_trip: null,
} as unknown as LinkStatus;

function view(over: Partial<StatusView>): StatusView {
  const none = {
    plan: null,
    serial: 0,
    moves: [],
    waivers: 0,
    phase: "idle",
    links: [],
    drivers: [],
    ended: [],
    broken: [],
  };
  return { panel: "cell1", epoch: 1, root: "", graph: "", ...none, ...over } as StatusView;
}

/** The cells of the row that begins so, by the head of their column. */
function row(view: StatusView, begins: string): Record<string, string> {
  const lines = words(view, openOutput(true).paint);
  const cells = (line = "") => line.split(/ {2,}/);
  const head = cells(lines.find((line) => line.startsWith("route  ")));
  return Object.fromEntries(cells(lines.find((line) => line.startsWith(begins))).map((cell, at) => [head[at], cell]));
}

Deno.test("drops are those that the lane counted; lost is what no counter of ended lanes accounts for", () => {
  const ended = [{ route: "sense", lanes: 2, sent: 100, received: 90, dropped: 3, lost: 7 }];
  const { frames, drops, lost } = row(view({ links: [LINK], ended }), "sense ");
  assertEquals([frames, drops, lost], ["900", "3", "7"]);
  assertEquals(row(view({ links: [LINK], ended: [] }), "sense ")["lost"], "0");
});

Deno.test("what was lost on a route that is no link any more is said, too", () => {
  const ended = [{ route: "old", lanes: 1, sent: 100, received: 99, dropped: 0, lost: 1 }];
  const said = words(view({ links: [LINK], ended }), openOutput(true).paint).filter((line) => line.includes("old"));
  assertEquals(said, ["route old, no link any more: 1 of 100 frames lost"]);
});
