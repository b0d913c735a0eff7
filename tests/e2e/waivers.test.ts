/** Exceptions from isolation: signed with the policy, counted while they hold, and none any more when they are over. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { pair, panel } from "./panels.ts";
import { statusWord } from "./process.ts";
import { Project } from "./project.ts";

const WAIVE = `policy: waive: gen: {what: "isolation", why: "vendor binary", until: "9999-12-31"}
policy: waive: genSink: {what: "isolation", why: "vendor binary", until: "2020-02-29"}`;

Deno.test("a waiver that holds frees its driver and is counted; one that is over does neither, and is said", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen"), "cell1", WAIVE) });
  for (const command of ["check", "plan"]) {
    const { stderr } = await project.exits(0, command, "--json");
    const { code, where, message } = JSON.parse(stderr).warning;
    assertEquals([code, where], ["policy.expired", "panel.cue:9:16"]);
    assertMatch(message, /genSink.*2020-02-29/);
    assertStringIncludes((await project.exits(0, command)).stderr, "warning[policy.expired]");
  }
  await project.serve();
  await project.become();
  const status = await project.settled();
  assertEquals(status.waivers, 1);
  assertStringIncludes(await project.succeed("status"), "1 waiver(s) hold");
  const seccomp = (name: string) => statusWord(status.drivers.find((each) => each.name === name)?.pid ?? 0, "Seccomp");
  assertEquals([seccomp("gen"), seccomp("genSink")], ["0", "2"]);
  await project.down();
});

Deno.test("nothing but isolation can be waived", async () => {
  await using project = await Project.make();
  project.write(
    "odd.cue",
    'package panel\npolicy: waive: gen: {what: "closure", why: "patched", until: "2099-01-31"}\n',
  );
  const problems = await project.refuses(2, "check");
  assertEquals(problems.map(({ code, where }) => [code, where?.split(":")[0]]), [["config.value", "odd.cue"]]);
});
