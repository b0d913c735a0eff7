import { EXIT, type ExitCode } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { Bench } from "../demo/bench.ts";
import { PoleWatch } from "../demo/pole.ts";
import {
  awkBalances,
  clear,
  endsClean,
  fallsWithoutRtt,
  movesToRust,
  panelDies,
  refusesForgeries,
  rollsBack,
  rollsBackToAwk,
  stallMoves,
} from "../demo/steps.ts";
import { Story } from "../demo/story.ts";
import type { StatusView } from "../panel/views.ts";
import { table } from "../table.ts";

export const command: Command = {
  name: "demo",
  operands: "",
  arity: [0, 0],
  summary: "the whole story in a minute: the pole stays up",
  options: [{ name: "keep", help: "leave the demo's project folder behind" }],
  examples: ["rtt demo", "rtt demo --keep"],
  async run(call: Call): Promise<ExitCode> {
    const bench = new Bench();
    const drawn = Deno.stdout.isTerminal() && !call.output.json;
    const pole = new PoleWatch(bench.path(".rtt/logs/plant.log"), drawn);
    const story = new Story(call, bench, pole);
    pole.start();
    try {
      await tell(story);
      return EXIT.done;
    } finally {
      pole.stop();
      await clear(bench);
      if (call.has("keep")) call.output.line(`kept: ${bench.dir}`);
      else bench[Symbol.dispose]();
    }
  },
};

async function tell(story: Story): Promise<void> {
  let planC = "";
  let last: StatusView | undefined;
  const step = story.step.bind(story);
  await step(
    "a",
    "without RTT: plant and controller over pipes, the controller paused",
    () => fallsWithoutRtt(story),
    0,
  );
  await step(
    "b",
    "plan A: policy denies the Rust controller; check, plan, explain, sign, apply",
    () => awkBalances(story),
  );
  await step("c", "plan B: control moves from awk to Rust, under load", () => movesToRust(story));
  await step("d", "plan C: a driver that never answers", async () => {
    const { measured, file } = await rollsBack(story);
    planC = file;
    return measured;
  });
  await step("e", "a plan with a bit flipped, a driver file touched", () => refusesForgeries(story, planC));
  await step("f", "kill -9 of the panel, and the next one", () => panelDies(story));
  await step("g", "the pause of (a), inside RTT: stall, fallback", () => stallMoves(story));
  await step("h", "rollback, live", async () => {
    const measured = await rollsBackToAwk(story);
    last = await story.bench.status();
    return measured;
  });
  await step("i", "the log, the counters, and down", () => endsClean(story), 0);
  story.pole.stop();
  report(story, last);
}

/** What was measured, with predictions where there is a profile. */
function report({ call, rows }: Story, status: StatusView | undefined): void {
  const { line } = call.output;
  line();
  const cells = rows.map(({ step, what, seen }) => [
    `(${step})`,
    what,
    seen ? `${seen.maxDeg.toFixed(2)}°${seen.fallen ? ", fallen" : ""}` : "-",
    seen ? `${seen.longestGapMs.toFixed(0)} ms` : "-",
  ]);
  for (const each of table(["step", "what", "largest angle", "longest without a force"], cells)) line(each);
  line();
  const micro = (ns: number | null) => ns === null ? "-" : `${(ns / 1000).toFixed(0)} µs`;
  const links = (status?.links ?? []).map((link) => [
    link.route,
    `${link.from} → ${link.to}`,
    String(link.frames),
    micro(link.p50_ns),
    micro(link.p99_ns),
    link.budget_ms === null ? "-" : `${link.budget_ms} ms`,
    link.predicted_p99_ns === null ? "none (no profile)" : micro(link.predicted_p99_ns),
  ]);
  for (const each of table(["route", "from → to", "frames", "p50", "p99", "budget", "predicted p99"], links)) {
    line(each);
  }
  line();
  line(call.output.paint.green("the pole stayed up"));
}
