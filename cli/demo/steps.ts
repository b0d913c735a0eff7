/** What happens in each step of the demo. Each answers the figures that it measured. */
import { EXIT } from "../../core/errors.ts";
import { startPanel } from "../start.ts";
import { table } from "../table.ts";
import { type Bench, failed, type Ran } from "./bench.ts";
import { PAUSE_MS, withoutRtt } from "./control.ts";
import { demandAlone, demandFall, demandNothingLost, linkOf } from "./demands.ts";
import { namedBy } from "./footprint.ts";
import { declarePlanA, declarePlanB, declarePlanC } from "./project.ts";
import type { Measured, Story } from "./story.ts";
import { pause, until } from "./wait.ts";

/** Longest wait for what is ending. */
const GONE_WITHIN_MS = 10_000;
const LOOK_AGAIN_MS = 50;

/** (a) Over pipes, the pole must fall in the pause. */
export async function fallsWithoutRtt({ bench, screen }: Story): Promise<Measured> {
  const { pole, before, whole } = await withoutRtt(bench, screen);
  demandFall(before, whole, PAUSE_MS);
  const stood = before.max_deg.toFixed(2);
  return {
    measured: `it stood at ${stood}° at most, and fell in the pause of ${PAUSE_MS} ms, as it must`,
    moments: pole.since(-1),
  };
}

/** (b) Plan A: awk balances. */
export async function awkBalances(story: Story): Promise<string> {
  const { bench } = story;
  await bench.done("init");
  declarePlanA(bench);
  await bench.done("keys", "new", "--comment", "demo");
  await bench.done("check");
  story.say("rtt check: no issue; rtt keys new, render, sign");
  const plan = await bench.plan();
  for (const line of outlineOf(plan.words)) story.say(line);
  for (const line of (await bench.done("explain", "sense")).out.trimEnd().split("\n")) story.say(line);
  const applied = await bench.done("apply", "--start", plan.file);
  story.say(applied.out.trim());
  await until("the pole's first word", 5_000, () => Promise.resolve(story.pole.now() > 0));
  await pause(2_000);
  const control = linkOf(await bench.status(), "sense").to;
  if (control !== "awk/state") throw failed(`plan A chose ${control}`);
  const whole = `rtt plan ${plan.ms.toFixed(0)} ms (start, CUE, this host's facts, solving, writing)`;
  return `awk balances; as whole commands: ${whole}, rtt apply from nothing ${applied.ms.toFixed(0)} ms`;
}

/** (c) Plan B moves control to Rust under load, and nothing is lost. */
export async function movesToRust(story: Story): Promise<string> {
  const { bench } = story;
  declarePlanB(bench);
  const plan = await bench.plan();
  for (const line of outlineOf(plan.words)) story.say(line);
  const applied = await bench.done("apply", plan.file);
  await pause(500);
  const status = await bench.status();
  const control = linkOf(status, "sense").to;
  if (control !== "rust/state") throw failed(`plan B chose ${control}`);
  const moved = demandNothingLost(status);
  return `control is in Rust; 0 of ${moved} frames lost on the lanes that ended; applied in ${
    applied.ms.toFixed(0)
  } ms`;
}

/** (d) A driver that never answers: exit 4, as before. Answers plan C's file for the next step. */
export async function rollsBack(story: Story): Promise<{ readonly measured: string; readonly file: string }> {
  const { bench } = story;
  const before = (await bench.status()).plan;
  declarePlanC(bench);
  const { file } = await bench.plan();
  const ran = await bench.rtt("apply", file);
  expect(story, ran, EXIT.rolledBack, "a plan with a driver that never answers");
  if ((await bench.status()).plan !== before) throw failed("plan C is committed although it failed");
  return { measured: `exit 4 after ${(ran.ms / 1000).toFixed(1)} s, everything as it was`, file };
}

/** (e) Forgeries: one byte of the plan, one byte of a file that a driver runs. */
export async function refusesForgeries(story: Story, file: string): Promise<string> {
  const { bench } = story;
  const bytes = Deno.readFileSync(file);
  const at = Math.floor(bytes.length / 3);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  const forged = bench.path("forged.json");
  Deno.writeFileSync(forged, bytes);
  expect(story, await bench.rtt("apply", forged), EXIT.refused, "a plan with one bit flipped");
  const script = Deno.readTextFileSync(bench.path("mean.awk"));
  bench.write("mean.awk", `${script}# touched\n`);
  const touched = await bench.rtt("apply", file);
  bench.write("mean.awk", script);
  expect(story, touched, EXIT.refused, "a plan whose driver file was touched");
  if (!touched.err.includes("plan.closureChanged")) {
    throw failed(`a touched driver file was refused otherwise: ${touched.err}`);
  }
  declarePlanB(bench);
  await bench.done("render");
  await bench.done("sign");
  return "both refused with exit 3, nothing prepared";
}

/** (f) The panel is killed; lanes go on; the next one recovers. */
export async function panelDies({ bench, pole }: Story): Promise<string> {
  const pid = Number(Deno.readTextFileSync(bench.path(".rtt/run/panel.lock")).trim());
  Deno.kill(pid, "SIGKILL");
  const from = pole.now();
  await pause(1_500);
  const alone = demandAlone(pole.since(from));
  const began = performance.now();
  await startPanel(bench.dir);
  await until("Observed == Desired", 5_000, async () => JSON.parse((await bench.done("drift", "--json")).out).equal);
  return `forces came in during ${alone} reports of the pole without a panel; the next one recovered in ${
    (performance.now() - began).toFixed(0)
  } ms`;
}

/** (g) The pause of (a), inside RTT: the stall trips and the move is made. */
export async function stallMoves({ bench }: Story): Promise<string> {
  const controller = (await bench.status()).drivers.find((each) => each.name === "rust")?.pid;
  if (!controller) throw failed("the Rust controller has no process");
  Deno.kill(controller, "SIGSTOP");
  await pause(PAUSE_MS);
  Deno.kill(controller, "SIGCONT");
  await until("the fallback", 3_000, async () => (await bench.status()).moves.includes("fallback:sense"));
  const { links } = await bench.status();
  const now = links.find((each) => each.route === "senseSpare");
  if (now?.state !== "up") throw failed("the fallback's route is not up");
  const trip = links.find((each) => each.route === "sense")?.last_trip ?? "";
  return `stopped for ${PAUSE_MS} ms; ${trip}; awk took over`;
}

/** (h) Rollback, live. */
export async function rollsBackToAwk({ bench }: Story): Promise<string> {
  const ran = await bench.done("rollback");
  const status = await bench.status();
  const control = linkOf(status, "sense").to;
  if (control !== "awk/state") throw failed(`the rollback left ${control}`);
  return `plan A is committed again; rolled back in ${ran.ms.toFixed(0)} ms`;
}

/** (i) The log, the counters of the load and of the host's metrics, and then down, without a trace. */
export async function endsClean(story: Story): Promise<string> {
  const { bench } = story;
  const wal = JSON.parse((await bench.done("wal", "verify", "--json")).out);
  const kinds = (await bench.done("history", "--json")).out.trimEnd().split("\n").map((line) => JSON.parse(line).kind)
    .join("");
  if (!/^DCDCM+DC$/.test(kinds)) throw failed(`the log says ${kinds}`);
  const load = JSON.parse((await bench.done("logs", "sink", "--lines", "1")).out.trim());
  if (load.lost + load.reordered + load.corrupt > 0 || load.frames === 0) {
    throw failed(`the load's sink counted ${JSON.stringify(load)}`);
  }
  const metrics = Deno.readTextFileSync(bench.path("metrics.txt")).trimEnd().split("\n");
  if (!metrics.every((line) => /^10( [0-9.eE+-]+){6}$/.test(line))) throw failed(`metrics.txt says ${metrics[0]}`);
  const nothing = await demandNoTrace(bench);
  return `log ${kinds}, root ${
    wal.root.slice(0, 12)
  }; load ${load.frames} frames, 0 lost; ${metrics.length} means of this host; ${nothing}`;
}

/** `rtt down`, and nothing is left of what the footprint had seen. */
async function demandNoTrace(bench: Bench): Promise<string> {
  const { footprint } = bench;
  footprint.look();
  const { process, memfd, socket, cgroup } = footprint.seen;
  if (process === 0 || memfd === 0 || socket === 0) {
    throw failed(`the leak scan saw ${process} processes, ${memfd} memfds, ${socket} sockets`);
  }
  await bench.done("down");
  // The panel answers just before it ends itself.
  let left = footprint.left();
  for (let waited = 0; left.length > 0 && waited < GONE_WITHIN_MS; waited += LOOK_AGAIN_MS) {
    await pause(LOOK_AGAIN_MS);
    left = footprint.left();
  }
  if (left.length > 0) throw failed(`something is left: ${left.join("; ")}`);
  const seen = `${process} processes, ${memfd} memfds, ${socket} sockets, ${cgroup} cgroups`;
  return `nothing left of ${seen}`;
}

/** What a plan changes, in a few lines of `rtt plan`'s words: of each link its route, its ends and its budget. */
export function outlineOf(words: readonly string[]): readonly string[] {
  const [id = "", tally = ""] = words;
  const links = words.slice(words.indexOf("links") + 1).filter((line) => /^ {2}[-+~] /.test(line));
  const cells = links.map((line) => line.trim().split(/ {2,}/)).map(([route = "", , ends = "", , budget = ""]) => [
    `  ${route}`,
    ends,
    budget,
  ]);
  return [id, tally, ...table(["", "", ""], cells).slice(1), words.at(-1) ?? ""];
}

function expect(story: Story, ran: Ran, code: number, what: string): void {
  const first = ran.err.split("\n").find((line) => line.startsWith("error")) ?? "";
  if (ran.code !== code) throw failed(`${what} exited with ${ran.code}, not ${code}: ${ran.out}${ran.err}`);
  story.say(`exit ${ran.code}: ${first}`);
}

/** Ends what runs, also after a failure or in the middle of a start. Answers what is left all the same. */
export async function clear(bench: Bench): Promise<readonly string[]> {
  const { dir, footprint } = bench;
  footprint.look();
  for (let waited = 0; namedBy(dir).length > 0 && waited < GONE_WITHIN_MS; waited += LOOK_AGAIN_MS) {
    await bench.down(); // It fails while a panel starts, and when another Ctrl-C reaches it.
    await pause(LOOK_AGAIN_MS);
  }
  for (const pid of namedBy(dir)) end(pid);
  for (let waited = 0; footprint.left().length > 0 && waited < GONE_WITHIN_MS; waited += LOOK_AGAIN_MS) {
    await pause(LOOK_AGAIN_MS);
  }
  return footprint.left();
}

function end(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
