/** A panel ends when it is told to, or when there is no keeper to be had: whoever waits is answered, and nothing hangs. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { LIMITS } from "../../core/limits.ts";
import { pair, panel } from "./panels.ts";
import { kill, pause, until } from "./process.ts";
import { output, Project } from "./project.ts";

const PATIENT = panel(
  pair("gen") + `
drivers: stranger: {run: ["sleep", "1d"], out: load: "load@1.0.0"}
drivers: drain: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: strange: {from: "stranger/load", to: "drain/load"}
`,
).replace('{name: "cell1"}', '{name: "cell1", prepareWithin: "10m"}');

/** A project whose panel is in the middle of an apply that would take ten minutes. */
async function midApply(): Promise<{ project: Project; apply: Deno.ChildProcess; plan: string }> {
  const project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  await project.serve();
  await project.become();
  project.write("panel.cue", PATIENT);
  await project.rendered();
  const plan = await project.plan();
  // The panel reads how patient it is when it starts.
  await project.killPanel();
  await project.serve();
  await project.settled();
  const apply = project.start("apply", plan, "--json");
  await until("the apply waits for the driver", async () => (await project.status()).phase === "starting");
  return { project, apply, plan };
}

const gone = (project: Project) => until("the panel has ended", () => project.pids().panel === undefined, 15_000);

Deno.test("down in the middle of an apply: it is rolled back, the panel ends, and the next one serves the base", async () => {
  const { project, apply } = await midApply();
  await using _ = project;
  await project.succeed("down");
  const { code, stderr } = await output(apply);
  assertEquals([code, JSON.parse(stderr).error.code], [4, "panel.ended"]);
  await gone(project);
  await project.serve();
  assertEquals((await project.settled()).links.map((link) => [link.route, link.state]), [["gen", "up"]]);
  await project.down();
});

Deno.test("SIGTERM in the middle of an apply: the panel ends all the same, and its drivers go on", async () => {
  const { project, apply } = await midApply();
  await using _ = project;
  const { panel: pid } = project.pids();
  assert(pid !== undefined);
  kill(pid, "SIGTERM");
  assertEquals((await output(apply)).code, 4);
  await gone(project);
  const taken = project.taken("genSink");
  await until("frames arrive", () => project.taken("genSink") > taken);
  await project.serve();
  await project.settled();
  await project.down();
});

Deno.test("each new keeper is killed at once, several times: the panel tries again and all is as it was", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  await project.serve();
  await project.become();
  const { panel: pid } = project.pids();
  let last = 0;
  for (let killed = 0; killed < LIMITS.tries.most - 2; killed++) last = await killNext(project, last);
  const status = await project.settled();
  assertEquals([status.links.map((link) => link.state), project.pids().panel], [["up"], pid]);
  await project.down();
});

async function killNext(project: Project, last: number): Promise<number> {
  let next: number | undefined;
  await until("there is another keeper", () => {
    next = project.pids().keeper;
    return next !== undefined && next !== last;
  });
  kill(next ?? 0);
  return next ?? 0;
}

Deno.test("no keeper stays: the panel ends with 1, and says so", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  const serve = project.start("serve", "--json");
  const said = output(serve);
  let ended = false;
  serve.status.then(() => ended = true);
  await until("it serves", async () => (await project.rtt("status")).code === 0);
  for (let last = 0; !ended;) {
    const { keeper } = project.pids();
    if (keeper !== undefined && keeper !== last) kill(last = keeper);
    await pause(5);
  }
  const { code, stderr } = await said;
  const [first = ""] = stderr.split("\n");
  assertEquals([code, first.startsWith('{"error":{"code":"keeper.gone"')], [1, true], stderr);
});

Deno.test("a keeper that is stopped: an apply is rolled back, and all is well when it goes on", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  await project.serve();
  await project.become();
  project.write("panel.cue", panel(pair("gen") + pair("more")));
  await project.rendered();
  const plan = await project.plan();
  const { keeper } = project.pids();
  assert(keeper !== undefined);
  kill(keeper, "SIGSTOP");
  try {
    const run = await project.exits(4, "apply", plan, "--json");
    assertEquals(JSON.parse(run.stderr).error.code, "keeper.lost");
  } finally {
    kill(keeper, "SIGCONT");
  }
  assertEquals((await project.settled()).links.map((link) => link.route), ["gen"]);
  await project.succeed("sign", "--renew", plan);
  await project.succeed("apply", plan);
  await project.down();
});

Deno.test("down with a keeper that is stopped says what is left, and how to end it", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  await project.serve();
  await project.become();
  const { keeper } = project.pids();
  assert(keeper !== undefined);
  kill(keeper, "SIGSTOP");
  for (const _ of ["by its panel", "without one"]) {
    const [problem] = await project.refuses(1, "down");
    assertEquals(problem?.code, "keeper.silent");
    assertMatch(problem?.remedy ?? "", new RegExp(`kill -9 ${keeper}\\b`));
    await gone(project);
  }
  kill(keeper);
  await project.serve();
  await project.settled();
  await project.down();
});
