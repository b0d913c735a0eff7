/** Configuration that is wrong is refused with a code and a place of the user's own text, and nothing is written. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { everything } from "./everything.ts";
import { pair, panel } from "./panels.ts";
import { Project } from "./project.ts";

const OTHER = `
contracts: other: version: "2.0.0"
drivers: relayA: {run: ["rtt:controller"], in: in: "load@^1.0", out: out: {contract: "load@1.0.0", dependsOn: ["in"]}}
drivers: relayB: {run: ["rtt:controller"], in: in: "load@^1.0", out: out: {contract: "load@1.0.0", dependsOn: ["in"]}}
`;

/** What is wrong, the CUE that is, the code, and where it is found: a text that begins on the line of the issue. */
const WRONGS: readonly (readonly [string, string, string, string])[] = [
  ["a syntax error", "drivers: odd: {run: [\n", "config.syntax", ""],
  [
    "a wrong type",
    'drivers: odd: {run: ["rtt:sink"], in: load: "load@^1.0", load: "much"}',
    "config.type",
    "drivers: odd",
  ],
  [
    "a value out of range",
    'drivers: odd: {run: ["rtt:sink"], in: load: "load@^1.0", load: 7}',
    "config.value",
    "drivers: odd",
  ],
  [
    "an unknown field",
    'drivers: odd: {run: ["rtt:sink"], in: load: "load@^1.0", lod: 0.1}',
    "config.unknown",
    "drivers: odd",
  ],
  ["an unknown driver", 'routes: odd: {from: "gem/load", to: "genSink/load"}', "route.driver", "routes: odd"],
  [
    "two declarations that disagree",
    'routes: gen: p99: "5ms"\nroutes: gen: p99: "6ms"',
    "config.conflict",
    "routes: gen",
  ],
  ["two routes from one from", 'routes: odd: {from: "gen/load", to: "relayA/in"}', "route.from.twice", "routes: "],
  [
    "a cycle",
    'routes: there: {from: "relayA/out", to: "relayB/in"}\nroutes: back: {from: "relayB/out", to: "relayA/in"}',
    "route.cycle",
    "routes: ",
  ],
  [
    "versions without a meet",
    'drivers: odd: {run: ["rtt:sink"], in: load: "load@^2.0"}\nroutes: odd: {from: "relayA/out", to: "odd/load"}',
    "route.meet",
    "routes: odd",
  ],
  [
    "another contract at the other end",
    'drivers: odd: {run: ["rtt:sink"], in: load: "other@^2.0"}\nroutes: odd: {from: "relayA/out", to: "odd/load"}',
    "route.contract",
    "routes: odd",
  ],
  [
    "a driver file that is missing",
    'drivers: odd: {run: ["./gone.sh"], in: load: "load@^1.0"}',
    "driver.file",
    "drivers: odd",
  ],
  [
    "a built-in that is not there",
    'drivers: odd: {run: ["rtt:snik"], in: load: "load@^1.0"}',
    "driver.builtIn",
    "drivers: odd",
  ],
];

Deno.test("wrong configuration: exit 2, a code, file:line:column, a remedy, and nothing changed on disk", async (t) => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen") + OTHER) });
  for (const [what, cue, code, begins] of WRONGS) {
    await t.step(what, async () => {
      project.write("odd.cue", `package panel\n\n${cue}\n`);
      const before = everything(project.dir);
      const commands = ["check", "render", "plan"];
      for (const problems of await Promise.all(commands.map((command) => project.refuses(2, command)))) {
        const found = problems.find((each) => each.code === code);
        assert(found, JSON.stringify(problems));
        assertMatch(found.where ?? "", /^[a-z]+\.cue:[1-9][0-9]*:[1-9][0-9]*$/);
        assert(found.remedy.length > 0 && / because /.test(found.message), found.message);
        const [file = "", line = "0"] = (found.where ?? "").split(":");
        assert((before.get(file)?.split("\n")[Number(line) - 1] ?? "").startsWith(begins), `${found.where}`);
      }
      assertEquals(everything(project.dir), before);
    });
  }
});

Deno.test("policy that does not allow a route is a refusal, and a driver that wants network without a grant too", async () => {
  await using project = await Project.make();
  project.write(
    "odd.cue",
    'package panel\n\ndrivers: gen2: {run: ["rtt:gen"], out: load: "load@1.0.0"}\nroutes: odd: {from: "gen2/load", to: "sink/load"}\n',
  );
  assertEquals((await project.refuses(3, "check")).map((each) => [each.code, each.where]), [[
    "route.denied",
    "odd.cue:4:9",
  ]]);
  project.write("odd.cue", "package panel\n\ndrivers: gen: network: true\n");
  assertEquals((await project.refuses(3, "check")).map((each) => each.code), ["driver.network"]);
});

Deno.test("all that is wrong is said at once", async () => {
  await using project = await Project.make({ "panel.cue": panel(pair("gen")) });
  project.write("a.cue", 'package panel\nroutes: one: {from: "gem/load", to: "genSink/load"}\n');
  project.write("b.cue", 'package panel\nroutes: two: {from: "gen/laod", to: "genSink/load"}\n');
  const problems = await project.refuses(2, "check");
  assertEquals(problems.map((each) => [each.code, each.where?.split(":")[0]]), [
    ["route.driver", "a.cue"],
    ["route.endpoint", "b.cue"],
  ]);
  assertMatch(problems[0]?.remedy ?? "", /gen/);
});
