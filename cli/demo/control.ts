/** The negative control: the same plant and controller over plain pipes, and the same pause. The pole must fall. */
import { readPart } from "../parts.ts";
import type { Bench } from "./bench.ts";
import { failed } from "./bench.ts";
import { type Moment, type Seen, summary } from "./pole.ts";

export const PAUSE_MS = 500;
export const SEED = 7;

/** Runs it for two and a half seconds; answers what was seen before the pause and in all. */
export async function withoutRtt(bench: Bench): Promise<{ readonly before: Seen; readonly whole: Seen }> {
  const program = bench.path("rtt-drivers");
  Deno.writeFileSync(program, readPart("rtt-drivers"), { mode: 0o700, createNew: true });
  const afterMs = 1_200;
  const args = ["pipes", `--seed=${SEED}`, `--after-ms=${afterMs}`, `--pause-ms=${PAUSE_MS}`, "--for-ms=2500"];
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd: bench.dir }).output();
  Deno.removeSync(program);
  const decoder = new TextDecoder();
  if (code !== 0) throw failed(`the plant over pipes exited with ${code}: ${decoder.decode(stderr)}`);
  const moments: Moment[] = decoder.decode(stdout).trimEnd().split("\n").map((line) => JSON.parse(line));
  const first = moments[0]?.t_ms ?? 0;
  const before = moments.filter((each) => each.t_ms < first + afterMs - 100);
  return { before: summary(before), whole: summary(moments) };
}
