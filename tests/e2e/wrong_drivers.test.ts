/** Drivers that do wrong: a plan that needs them is rolled back or they are restarted, and nobody else is the worse for it. */
import { assert, assertEquals } from "@std/assert";
import { pair, panel } from "./panels.ts";
import { buildPlay, play } from "./play.ts";
import { until } from "./process.ts";
import { Project } from "./project.ts";

/** How it does wrong, the code that the rollback names, and what is to be seen in its log. */
const PLAYS: readonly (readonly [string, string, string?])[] = [
  ["garbage", "driver.failed"],
  ["oversized", "driver.failed"],
  ["old-protocol", "driver.failed"],
  ["passes-descriptors", "driver.failed"],
  ["open-first", "driver.failed"],
  ["wrong-token", "driver.failed", "token.unknown"],
  ["other-endpoint", "driver.failed", "token.endpoint"],
  ["seals-early", "driver.failed"],
  ["punches", "driver.failed"],
  ["exits-in-prepare", "driver.exited"],
  ["never-answers", "driver.late"],
  ["silent", "driver.late"],
  ["answers-another", "driver.failed"],
  ["acknowledges-the-future", "driver.failed"],
];

/** Programs that are no drivers at all. */
const FOREIGN: readonly (readonly [string, readonly string[], string])[] = [
  ["never answers prepare", ["sleep", "1d"], "driver.late"],
  ["exits in prepare", ["false"], "driver.exited"],
];

const stranger = (run: readonly string[]): string => `
drivers: stranger: {run: ${JSON.stringify(run)}, out: load: "load@1.0.0"}
drivers: drain: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: strange: {from: "stranger/load", to: "drain/load"}
`;

const patient = (rest: string): string =>
  panel(pair("gen") + rest).replace('{name: "cell1"}', '{name: "cell1", prepareWithin: "800ms"}');

Deno.test("a driver that does wrong in prepare: exit 4 with its code, and all is as it was", async (t) => {
  const program = await buildPlay();
  await using project = await Project.signed({ "panel.cue": patient("") });
  Deno.copyFileSync(program, project.path("play"));
  await project.serve();
  await project.become();
  const before = await project.settled();
  const cases = [
    ...PLAYS.map(([name, code, log]) => [`a driver that is ${name}`, play(name), code, log ?? ""] as const),
    ...FOREIGN.map(([what, run, code]) => [`a program that ${what}`, stranger(run), code, ""] as const),
  ];
  for (const [what, cue, code, log] of cases) {
    await t.step(what, async () => {
      project.write("panel.cue", patient(cue));
      await project.rendered();
      const plan = await project.plan();
      const run = await project.exits(4, "apply", plan, "--json");
      const { code: said, message } = JSON.parse(run.stderr.trim().split("\n")[0] ?? "").error;
      assertEquals(said, code, message);
      assert(message.includes("player") || message.includes("stranger"), message);
      assert(message.includes(log) && project.log("player").includes(log), `${message}\n${project.log("player")}`);
      const after = await project.settled();
      assertEquals([after.plan, after.links.map((link) => link.state)], [before.plan, ["up"]]);
      const pids = (status: typeof before) => status.drivers.map((each) => each.pid);
      assertEquals(pids(after), pids(before), "a driver that took no part was touched");
    });
  }
  const taken = project.taken("genSink");
  await until("frames still arrive", () => project.taken("genSink") > taken);
  const [last] = project.log("genSink").trimEnd().split("\n").slice(-1).map((line) => JSON.parse(line));
  assertEquals([last.lost, last.reordered, last.corrupt], [0, 0, 0]);
  assertEquals((await project.json<{ records: number }>("wal", "verify")).records, 2);
  await project.down();
});

Deno.test("a driver that does wrong after the commit is restarted within its budget, and it is shown why", async () => {
  const program = await buildPlay();
  const cue = patient(`${play("garbage-later")}drivers: player: restart: {budget: 1, within: "10m"}`);
  await using project = await Project.make({ "panel.cue": cue });
  Deno.copyFileSync(program, project.path("play"));
  await project.succeed("keys", "new");
  await project.rendered();
  await project.serve();
  await project.succeed("apply", await project.plan());
  const player = async () => (await project.status()).drivers.find((each) => each.name === "player");
  await until("it is down", async () => (await player())?.pid === null);
  await until("nothing is under way", async () => (await project.status()).phase === "idle");
  const why = (await player())?.why ?? "";
  assert(/restart budget of 1 .*\[control\.malformed\]/.test(why), why);
  assert(project.log("player").includes("[rtt] player.1: cannot"), project.log("player"));
  assert((await project.succeed("history")).includes("control.malformed"), await project.succeed("history"));
  const drift = await project.drift();
  assert(!drift.equal && drift.drifts.every((each) => each.degraded), JSON.stringify(drift));
  const links = (await project.status()).links.filter((link) => link.route === "gen");
  assertEquals(links.map((link) => link.state), ["up"]);
  await project.down();
});
