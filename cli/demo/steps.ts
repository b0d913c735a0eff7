/** What happens in each step of the demo. Each answers the figures that it measured. */
import { EXIT } from "../../core/errors.ts";
import { startPanel } from "../start.ts";
import type { StatusView } from "../panel/views.ts";
import { type Bench, failed, type Ran } from "./bench.ts";
import { PAUSE_MS, withoutRtt } from "./control.ts";
import { leftovers } from "./leaks.ts";
import { declarePlanA, declarePlanB, declarePlanC } from "./project.ts";
import { type Measured, pause, type Story, until } from "./story.ts";

/** (a) Over pipes, the pole must fall in the pause. */
export async function fallsWithoutRtt({ bench }: Story): Promise<Measured> {
  const { before, whole } = await withoutRtt(bench);
  if (before.fallen) throw failed("the pole fell over pipes before the pause: this host is too busy for the demo");
  if (!whole.fallen) throw failed(`the pole did not fall over pipes in a pause of ${PAUSE_MS} ms`);
  const measured = `it stood at ${
    before.maxDeg.toFixed(2)
  }° at most, and fell in the pause of ${PAUSE_MS} ms, as it must`;
  return { measured, seen: whole };
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
  for (const line of (await bench.done("explain", "sense")).out.trimEnd().split("\n")) story.say(line);
  const applied = await bench.done("apply", "--start", plan.file);
  story.say(applied.out.trim());
  await until("the pole's first word", 5_000, () => Promise.resolve(story.pole.now() > 0));
  await pause(2_000);
  const control = linkOf(await bench.status(), "sense").to;
  if (control !== "awk/state") throw failed(`plan A chose ${control}`);
  return `awk balances; plan solved in ${plan.ms.toFixed(0)} ms, applied from nothing in ${applied.ms.toFixed(0)} ms`;
}

/** (c) Plan B moves control to Rust under load, and nothing is lost. */
export async function movesToRust({ bench }: Story): Promise<string> {
  declarePlanB(bench);
  const plan = await bench.plan();
  const applied = await bench.done("apply", plan.file);
  await pause(500);
  const status = await bench.status();
  const control = linkOf(status, "sense").to;
  if (control !== "rust/state") throw failed(`plan B chose ${control}`);
  const lost = status.ended.reduce((sum, each) => sum + each.lost + each.dropped, 0);
  const moved = status.ended.reduce((sum, each) => sum + each.sent, 0);
  if (moved === 0) throw failed("no lane ended with a frame in plan B");
  const drops = status.links.flatMap((link) => Object.values(link.drops)).reduce((sum, each) => sum + each, 0);
  if (lost + drops > 0) throw failed(`${lost} frames were lost on the lanes that ended, ${drops} on the others`);
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
  const alone = pole.since(from).length;
  const began = performance.now();
  await startPanel(bench.dir);
  await until("Observed == Desired", 5_000, async () => JSON.parse((await bench.done("drift", "--json")).out).equal);
  return `${alone} reports of the pole without a panel; the next one recovered in ${
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
  await bench.done("down");
  const left = leftovers(bench.dir);
  if (left.length > 0) throw failed(`something is left: ${left.join("; ")}`);
  return `log ${kinds}, root ${
    wal.root.slice(0, 12)
  }; load ${load.frames} frames, 0 lost; ${metrics.length} means of this host; nothing left`;
}

function linkOf(status: StatusView, route: string): StatusView["links"][number] {
  const link = status.links.find((each) => each.route === route);
  if (!link) throw failed(`route ${route} is no link`);
  return link;
}

function expect(story: Story, ran: Ran, code: number, what: string): void {
  const first = ran.err.split("\n").find((line) => line.startsWith("error")) ?? "";
  if (ran.code !== code) throw failed(`${what} exited with ${ran.code}, not ${code}: ${ran.out}${ran.err}`);
  story.say(`exit ${ran.code}: ${first}`);
}

/** Ends what runs, also after a failure. */
export async function clear(bench: Bench): Promise<void> {
  await bench.rtt("down");
}
