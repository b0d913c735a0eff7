/** Replays one seed of the simulator and shows what happened: `./x run deno run tests/sim/replay.ts SEED`. */
import { run } from "./run.ts";

const seed = Number(Deno.args[0] ?? "1");
try {
  console.log(JSON.stringify({ seed, ...run(seed) }));
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  Deno.exitCode = 1;
}
