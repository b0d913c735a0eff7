import { EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { Bench } from "../demo/bench.ts";
import { Interruption } from "../demo/interruption.ts";
import { PoleWatch } from "../demo/pole.ts";
import { report } from "../demo/report.ts";
import { Screen } from "../demo/screen.ts";
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
import { pause } from "../demo/wait.ts";

/** A key that is pressed goes to the commands below, too: one of them may say so first. */
const SAID_WITHIN_MS = 200;

export const command: Command = {
  name: "demo",
  operands: "",
  arity: [0, 0],
  summary: "the whole story in a minute: the pole stays up",
  options: [{ name: "keep", help: "leave the demo's project folder behind" }],
  examples: ["rtt demo", "rtt demo --keep", "rtt demo --json --dir /var/tmp"],
  async run(call: Call): Promise<ExitCode> {
    using interruption = new Interruption();
    const bench = new Bench(folderOf(call), interruption.stopped);
    const screen = new Screen(call.output);
    const pole = new PoleWatch(bench.path(".rtt/logs/plant.log"), screen);
    try {
      pole.start();
      await Promise.race([tell(new Story(screen, bench, pole)), interruption.happened]);
      return EXIT.done;
    } catch (thrown) {
      await pause(SAID_WITHIN_MS);
      if (interruption.exit === undefined) throw thrown;
    } finally {
      pole.stop();
      for (const each of await clear(bench)) call.output.note(`left behind: ${each}`);
      if (call.has("keep")) call.output.note(`kept: ${bench.dir}`);
      else bench[Symbol.dispose]();
    }
    Deno.exit(interruption.exit);
  },
};

/** What was given with `--dir`; the demo makes a folder of its own below it. */
function folderOf(call: Call): string | undefined {
  if (call.value("dir") === undefined) return undefined;
  try {
    if (Deno.statSync(call.dir).isDirectory) return call.dir;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory)) throw thrown;
  }
  throw new RttError(EXIT.badInput, [
    issue(
      "usage",
      `cannot make the demo's project because ${call.dir} is no folder`,
      "give --dir a folder that is there",
    ),
  ]);
}

async function tell(story: Story): Promise<void> {
  const step = story.step.bind(story);
  let planC = "";
  await step("a", "without RTT: plant and controller over pipes, the controller paused", () => fallsWithoutRtt(story), {
    afterMs: 0,
  });
  await step("b", "plan A: policy denies Rust; check, plan, explain, sign, apply", () => awkBalances(story), {
    lanes: "control",
  });
  await step("c", "plan B: control moves from awk to Rust, under load", () => movesToRust(story), { lanes: "control" });
  await step("d", "plan C: a driver that never answers", async () => {
    const { measured, file } = await rollsBack(story);
    planC = file;
    return measured;
  });
  await step("e", "a plan with a bit flipped, a driver file touched", () => refusesForgeries(story, planC));
  await step("f", "kill -9 of the panel, and the next one", () => panelDies(story));
  await step("g", "the pause of (a), inside RTT: stall, fallback", () => stallMoves(story), { lanes: "control" });
  await step("h", "rollback, live", () => rollsBackToAwk(story), { lanes: "all" });
  await step("i", "the log, the counters, and down", () => endsClean(story), { afterMs: 0 });
  story.pole.stop();
  report(story);
}
