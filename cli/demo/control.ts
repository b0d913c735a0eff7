/** The negative control: the same plant and controller over plain pipes, and the same pause. The pole must fall. */
import { readPart } from "../parts.ts";
import { type Bench, failed } from "./bench.ts";
import { Pole, type Seen, summary } from "./pole.ts";
import type { Screen } from "./screen.ts";

export const PAUSE_MS = 500;
export const SEED = 7;

const AFTER_MS = 1_200;
const WHOLE_MS = 2_500;
/** The last words before the pause may tell of it already. */
const MARGIN_MS = 100;

export interface WithoutRtt {
  readonly pole: Pole;
  readonly before: Seen;
  readonly whole: Seen;
}

/** Runs it for two and a half seconds, shown as it happens; answers what was seen before the pause and in all. */
export async function withoutRtt(bench: Bench, screen: Screen): Promise<WithoutRtt> {
  const program = bench.path("rtt-drivers");
  Deno.writeFileSync(program, readPart("rtt-drivers"), { mode: 0o700, createNew: true });
  const args = ["pipes", `--seed=${SEED}`, `--after-ms=${AFTER_MS}`, `--pause-ms=${PAUSE_MS}`, `--for-ms=${WHOLE_MS}`];
  const options = { args, cwd: bench.dir, signal: bench.stopped, stdout: "piped", stderr: "piped" } as const;
  const plant = new Deno.Command(program, options).spawn();
  const pole = new Pole(screen);
  const [stderr] = await Promise.all([new Response(plant.stderr).text(), follow(plant.stdout, pole)]);
  const { code } = await plant.status;
  bench.remove("rtt-drivers");
  if (code !== 0) throw failed(`the plant over pipes exited with ${code}: ${stderr}`);
  const moments = pole.since(-1);
  const paused = (moments[0]?.t_ms ?? 0) + AFTER_MS - MARGIN_MS;
  return { pole, before: summary(moments.filter((each) => each.t_ms < paused)), whole: summary(moments) };
}

async function follow(output: ReadableStream<Uint8Array<ArrayBuffer>>, pole: Pole): Promise<void> {
  let rest = "";
  for await (const chunk of output.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) pole.take(line);
    pole.draw();
  }
}
