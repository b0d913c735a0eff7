/**
 * Apply of plans that move links between running drivers, from the request on the panel's socket to its last line, against
 * the bare native two-phase commit of `bench/native` with as many processes and links.
 */
import { openClient, ROUTES } from "../cli/client.ts";
import { layout } from "../cli/layout.ts";
import { inScratch, median, run } from "./measure.ts";
import { type Bench, compared, type Row } from "./row.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const RTT = `${ROOT}dist/rtt`;
/** Links that one plan moves, and how many plans are timed. */
const SIZES = [{ links: 1, rounds: 9 }, { links: 100, rounds: 5 }] as const;
const REFERENCE_ROUNDS = 60;
const PANEL_WITHIN_MS = 10_000;
const PANEL_POLL_MS = 20;

type Sink = "left" | "right";

/** Idle generators, each linked to one of two sinks; a generator of its own keeps each sink in the graph. */
function project(links: number, to: Sink): string {
  const generator = (name: string, sink: Sink): string =>
    `drivers: ${name}: {run: ["rtt:gen", "--rate=1", "--bytes=8"], out: frames: "bench.frame@1.0.0", load: 0.001}\n` +
    `routes: ${name}: {from: "${name}/frames", to: "${sink}/frames", p99: "1s", rate: "1Hz"}\n`;
  const sink = (name: Sink): string =>
    `drivers: ${name}: {run: ["rtt:sink"], in: frames: "bench.frame@^1.0", load: 0.001}\n`;
  return [
    `package panel\n\nimport "rtt.local/rtt"\n\n`,
    `panel: rtt.#Panel & {name: "bench"}\n`,
    `contracts: "bench.frame": version: "1.0.0"\n`,
    `policy: allow: [{from: "*/*", to: "*/*"}]\n`,
    sink("left"),
    sink("right"),
    generator("stayleft", "left"),
    generator("stayright", "right"),
    ...Array.from({ length: links }, (_, index) => generator(`g${index}`, to)),
  ].join("");
}

/** Milliseconds: from the request to its end, and of that what followed the admission. */
interface Times {
  readonly whole: number;
  readonly commit: number;
}

/** One project and its panel, driven as a user would; what is timed is the panel's answer alone. */
class Bed implements AsyncDisposable {
  #panel: Deno.ChildProcess | undefined;

  private constructor(readonly dir: string, readonly links: number) {}

  static async make(folder: string, links: number): Promise<Bed> {
    const bed = new Bed(`${folder}/project-${links}`, links);
    await run(RTT, ["init", bed.dir]);
    await bed.rtt("keys", "new");
    return bed;
  }

  rtt(...args: readonly string[]): Promise<string> {
    return run(RTT, [...args, "--dir", this.dir], this.dir);
  }

  /** Writes, renders, signs and plans; the bytes of the granted plan. */
  async planned(to: Sink): Promise<Uint8Array<ArrayBuffer>> {
    Deno.writeTextFileSync(`${this.dir}/panel.cue`, project(this.links, to));
    await this.rtt("render");
    await this.rtt("sign");
    const path = (await this.rtt("plan")).trimEnd().split("\n").at(-1) ?? "";
    return Deno.readFileSync(path);
  }

  async serve(): Promise<void> {
    this.#panel = new Deno.Command(RTT, { args: ["serve", "--dir", this.dir], stdout: "null", stderr: "null" }).spawn();
    const end = performance.now() + PANEL_WITHIN_MS;
    while (performance.now() < end) {
      if (await this.rtt("status").then(() => true, () => false)) return;
      await new Promise((wake) => setTimeout(wake, PANEL_POLL_MS));
    }
    throw new Error(`cannot measure apply because no panel answered within ${PANEL_WITHIN_MS} ms`);
  }

  async apply(plan: Uint8Array<ArrayBuffer>): Promise<Times> {
    using client = openClient(layout(this.dir).dir);
    const started = performance.now();
    let admitted = started;
    const end = await client.act(ROUTES.apply, plan, (line) => {
      if ("step" in line && line.step === "admit") admitted = performance.now();
    });
    const ended = performance.now();
    if (end.exit !== 0 || !end.changed) {
      throw new Error(`cannot measure apply because it ended ${end.outcome}: ${end.issues[0]?.message ?? "no change"}`);
    }
    return { whole: ended - started, commit: ended - admitted };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#panel === undefined) return;
    await this.rtt("down").catch(() => this.#panel?.kill("SIGTERM"));
    await this.#panel.status;
  }
}

async function measured(folder: string, links: number, rounds: number): Promise<Times> {
  await using bed = await Bed.make(folder, links);
  const first = await bed.planned("left");
  await bed.serve();
  await bed.apply(first);
  const samples: Times[] = [];
  for (let round = 0; round < rounds; round++) {
    const plan = await bed.planned(round % 2 === 0 ? "right" : "left");
    samples.push(await bed.apply(plan));
  }
  return {
    whole: median(samples.map((times) => times.whole)),
    commit: median(samples.map((times) => times.commit)),
  };
}

/** Median milliseconds of the bare commit; its log lies beside the panel's, on the same file system. */
async function bare(folder: string, links: number): Promise<number> {
  const cargo = ["run", "--quiet", "--locked", "--release", "--manifest-path", "ffi/Cargo.toml", "-p", "rtt-bench"];
  const args = ["--links", `${links}`, "--rounds", `${REFERENCE_ROUNDS}`, "--log", `${folder}/log-${links}`];
  const printed: unknown = JSON.parse(await run("cargo", [...cargo, "--bin", "apply_reference", "--", ...args], ROOT));
  if (typeof printed === "object" && printed !== null && "median_ms" in printed) return Number(printed.median_ms);
  throw new Error("cannot measure apply because apply_reference printed no median_ms");
}

export const apply: Bench = {
  name: "apply",
  says: "apply of 1 and of 100 links between running drivers",
  run: () =>
    inScratch(async (folder) => {
      const rows: Row[] = [];
      for (const { links, rounds } of SIZES) {
        const reference = await bare(folder, links);
        const { whole, commit } = await measured(folder, links, rounds);
        const name = `apply, ${links} link${links === 1 ? "" : "s"}`;
        const against = "bare native 2PC";
        rows.push(compared(name, "ms", { value: whole, reference, against, mark: links === 1 ? "<= 2x" : "" }));
        rows.push(compared(`${name}, after admission`, "ms", { value: commit, reference, against }));
      }
      return rows;
    }),
};
