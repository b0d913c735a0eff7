/** A step of the demo ends the demo when the pole did not stay up in it, and what is shown fits where it is shown. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { RttError } from "../../core/errors.ts";
import { openOutput, type Output } from "../output.ts";
import { table } from "../table.ts";
import { Bench } from "./bench.ts";
import { drawing, trace } from "./drawing.ts";
import { type Moment, PoleWatch } from "./pole.ts";
import { Screen } from "./screen.ts";
import { outlineOf } from "./steps.ts";
import { Story } from "./story.ts";

const UP: Moment = { t_ms: 50, angle_deg: 0.2, max_deg: 0.3, x_m: 0, gap_ms: 4, fallen: false };

/** What would be printed, line by line and object by object. */
class Kept {
  readonly lines: string[] = [];
  readonly objects: unknown[] = [];
  readonly output: Output = {
    ...openOutput(true),
    line: (text = "") => void this.lines.push(text),
    object: (value) => void this.objects.push(value),
  };
}

/** A step during which the plant says these. */
async function step(moments: readonly Moment[], kept = new Kept()): Promise<void> {
  using bench = new Bench(undefined, new AbortController().signal);
  const screen = new Screen(kept.output, false);
  const story = new Story(screen, bench, new PoleWatch(bench.path("plant.log"), screen));
  bench.write("plant.log", `${JSON.stringify(UP)}\n`);
  await story.step("c", "a move", () => {
    bench.write("plant.log", [UP, ...moments].map((each) => `${JSON.stringify(each)}\n`).join(""));
    return Promise.resolve("moved");
  }, { afterMs: 0 });
}

Deno.test("a step in which the pole stays up is told with what was seen of it", async () => {
  const kept = new Kept();
  await step([{ ...UP, t_ms: 100, max_deg: 0.4 }, { ...UP, t_ms: 150, gap_ms: 9 }], kept);
  assertEquals(kept.objects, [{
    step: "c",
    what: "a move",
    measured: "moved",
    max_deg: 0.4,
    longest_gap_ms: 9,
    fallen: false,
    reports: 2,
    lanes: [],
  }]);
  assertEquals(kept.lines[0], "(c) a move");
  assert(kept.lines.some((line) => line.includes("0.40° at most")));
});

Deno.test("a step in which the pole falls, leans too far or is silent throws", async () => {
  const fallen = { ...UP, t_ms: 100, max_deg: 30, fallen: true };
  await assertRejects(() => step([fallen]), RttError, "the pole reached 30.00° in step (c)");
  await assertRejects(() => step([{ ...UP, t_ms: 100, max_deg: 5 }]), RttError, "5° is the limit");
  await assertRejects(() => step([]), RttError, "the plant said nothing in step (c)");
});

Deno.test("nothing that is shown is wider than the screen", () => {
  const moments = Array.from({ length: 200 }, (_, at) => ({ ...UP, angle_deg: at - 100, max_deg: Math.abs(at - 100) }));
  for (const width of [40, 75, 115, 200]) {
    for (let at = 1; at <= moments.length; at += 7) assert([...drawing(moments.slice(0, at), width)].length <= width);
    assert([...trace(moments, width)].length <= width);
    const rows = [["(a)", "a very long story that does not fit in forty columns", "0.29°"]];
    for (const line of table(["step", "what", "angle"], rows, width)) assert(line.length <= width, line);
  }
  assertEquals(trace([UP, { ...UP, max_deg: 5 }, { ...UP, max_deg: 90 }], 3), "▂██");
  assertEquals(table(["a", "b"], [["123456", "1"]], 7), ["a     b", "123…  1"]);
});

Deno.test("of a plan its name, its tally and the links that change are shown", () => {
  const words = [
    "plan 26a43c372524 for panel demo, from the empty graph",
    "drivers: 2 new; links: 1 new; 3 steps in 3 batches",
    "",
    "drivers",
    "  + awk    node 0  cpu 0",
    "links",
    "  + act   hook  awk/force → plant/force  pole.force 1.0.0  p99 < 5 ms  critical",
    "    load  hook  load/frames → sink/frames  load.frame 1.0.0  p99 < 20 ms",
    "",
    "cost 1",
    "no predicted p99: no profile of this machine",
  ];
  assertEquals(outlineOf(words), [
    "plan 26a43c372524 for panel demo, from the empty graph",
    "drivers: 2 new; links: 1 new; 3 steps in 3 batches",
    "  + act  awk/force → plant/force  p99 < 5 ms",
    "no predicted p99: no profile of this machine",
  ]);
});
