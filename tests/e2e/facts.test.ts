/** Planning at a desk for the host of `rtt scan --export`: neither that host nor what is on it is needed there. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { canonical } from "../../core/trust/canonical.ts";
import type { Topology } from "../../core/model/topology.ts";
import { panel } from "./panels.ts";
import { Project } from "./project.ts";

/** Counts its input; the desk has no such file. */
const TOOL = "#!/bin/sh\nexec wc -c\n";

const declared = (p99: string, load = 0.1) =>
  panel(`
drivers: gen: {run: ["rtt:gen", "--rate=100"], load: ${load}, out: load: "load@1.0.0"}
drivers: tool: {
	run: ["./tool.sh"], speaks: "stdio", load: ${load}, answerWithin: "0s", in: load: "load@^1.0"
	files: "calibration.txt": "r"
}
routes: load: {from: "gen/load", to: "tool/load", p99: "${p99}"}
`);

Deno.test("a desk plans, grants and explains for a robot that it knows by its facts alone", async (t) => {
  await using robot = await Project.make({
    "panel.cue": declared("50ms"),
    "tool.sh": TOOL,
    "calibration.txt": "1 2 3\n",
  });
  Deno.chmodSync(robot.path("tool.sh"), 0o755);
  await robot.succeed("keys", "new");
  await robot.rendered();
  await robot.succeed("apply", "--start", await robot.plan());
  await robot.settled();
  await using desk = await Project.make({ "panel.cue": declared("60ms") });
  Deno.mkdirSync(desk.path(".rtt"));
  const kept = [robot.path(".rtt/keys"), robot.path(".rtt/trust.json")];
  const copied = await new Deno.Command("cp", { args: ["-r", ...kept, desk.path(".rtt")] }).output();
  assert(copied.success);
  const facts = desk.path("facts.json");

  await t.step("scan tells what it saw, and exports it", async () => {
    const said = await robot.succeed("scan", "--export", facts);
    assertStringIncludes(said, "driver tool: ");
    assertStringIncludes(said, "serial 1");
    assertEquals(said.trimEnd().split("\n").at(-1), facts);
  });

  await t.step("without them the desk misses the robot's files, with them it does not", async () => {
    const codes = (await desk.refuses(2, "plan")).map((each) => each.code);
    assertEquals(codes, ["driver.file", "driver.file"]);
    assertStringIncludes(await desk.succeed("explain", "load", "--facts", facts), "where its drivers run");
  });

  await t.step("the plan's grant follows what is committed on the robot, where it is applied", async () => {
    const plan = await desk.plan("--facts", facts);
    robot.write("panel.cue", declared("60ms"));
    await robot.rendered();
    const there = robot.path("plans/from-the-desk.json");
    Deno.copyFileSync(plan, there);
    assertStringIncludes(await robot.succeed("apply", there), "committed");
    assertEquals((await robot.settled()).serial, 2);
    assertEquals(await robot.plan(), "nothing to do: what is committed is what the configuration asks for");
  });

  await t.step("what the robot has no room for is bad input at the desk, in the project's words", async () => {
    const told = JSON.parse(Deno.readTextFileSync(facts)) as { topology: Topology };
    const [cpu] = told.topology.cpus;
    assert(cpu);
    const small = desk.path("small.json");
    Deno.writeFileSync(small, canonical({ ...told, topology: { cpus: [cpu], nodes: [cpu.node], distance: [[10]] } }));
    desk.write("panel.cue", declared("60ms", 0.6));
    const [issue] = await desk.refuses(2, "plan", "--facts", small);
    assertEquals([issue?.code, issue?.where?.split(":")[0]], ["plan.infeasible", "panel.cue"]);
    assertStringIncludes(issue?.message ?? "", "they need `gen` a load of 0.6, `tool` a load of 0.6");
  });

  await t.step("facts that were cut short are refused by their name", async () => {
    Deno.writeTextFileSync(facts, Deno.readTextFileSync(facts).slice(0, -10));
    const [issue] = await desk.refuses(2, "plan", "--facts", facts);
    assertEquals([issue?.code, issue?.where], ["facts.broken", `${facts}:1:1`]);
  });
  await robot.down();
});
