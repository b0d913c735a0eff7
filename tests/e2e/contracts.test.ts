/** Contracts that grow while drivers of several versions are about, and changes that would break them. */
import { assertEquals } from "@std/assert";
import { panel } from "./panels.ts";
import { readText, until } from "./process.ts";
import { Project } from "./project.ts";

const FIELDS = [
  '{name: "n", type: "u32", unit: "ticks"}',
  '{name: "note", type: "string<12>", since: "1.1.0", default: "no note"}',
  '{name: "level", type: "f64[2]", since: "1.2.0", default: 0.5}',
];

function contract(version: string, fields: readonly string[] = FIELDS): string {
  return `contracts: tick: {version: "${version}", fields: [${fields.join(", ")}]}\n`;
}

/** A program that says one line again and again, and a sink that writes what it takes to a file. */
function pair(name: string, sends: string, takes: string, line: string): string {
  const say = `while :; do printf '%s\\n' '${line}'; sleep 0.05; done`;
  return `
drivers: ${name}: {run: ["sh", "-c", ${JSON.stringify(say)}], speaks: "stdio", out: tick: "tick@${sends}"}
drivers: ${name}Sink: {run: ["rtt:sink", "--file=${name}.txt"], in: tick: "tick@${takes}", files: "${name}.txt": "rw"}
routes: ${name}: {from: "${name}/tick", to: "${name}Sink/tick"}
`;
}

Deno.test("a reader of any version reads what a sender of any other sends", async () => {
  const old = pair("old", "1.0.0", "^1.0", "7");
  const young = pair("young", "1.2.0", "~1.2", '8 "two words" 1.5 -2');
  const between = pair("between", "1.1.0", "^1.0", "9 short");
  // Declared for 1.0.x, and given a frame of 1.0.0 that it knows nothing newer of.
  const plain = pair("plain", "1.0.0", "~1.0", "10");
  await using project = await Project.signed({
    "panel.cue": panel(contract("1.2.0") + old + young + between + plain),
  });
  await project.serve();
  await project.become();
  const first = (name: string) => readText(project.path(`${name}.txt`)).split("\n")[0] ?? "";
  const expected = {
    old: '7 "no note" 0.5 0.5',
    young: '8 "two words" 1.5 -2',
    between: "9 short 0.5 0.5",
    plain: "10",
  };
  for (const [name, line] of Object.entries(expected)) {
    await until(`${name} is read`, () => first(name) !== "", 15_000);
    assertEquals(first(name), line);
  }
  await project.down();
});

Deno.test("what a committed plan's contract promised can't be broken by a minor version", async () => {
  const drivers = pair("teller", "1.2.0", "^1.0", "1 a 1 1");
  const [n = "", note = "", level = ""] = FIELDS;
  await using project = await Project.signed({ "panel.cue": panel(contract("1.2.0") + drivers) });
  await project.serve();
  await project.become();
  const write = (version: string, fields: readonly string[]) =>
    project.write("panel.cue", panel(contract(version, fields) + drivers));
  const breaking: readonly (readonly [string, string, readonly string[]])[] = [
    ["n", "1.3.0", [n.replace("u32", "u64"), note, level]],
    ["n", "1.2.0", [n.replace("ticks", "s"), note, level]],
    ["note", "1.2.5", [n, level.replace("1.2.0", "1.1.0")]],
    ["extra", "1.2.0", [...FIELDS, '{name: "extra", type: "u8", since: "1.2.0"}']],
  ];
  for (const [field, version, fields] of breaking) {
    write(version, fields);
    for (const command of ["check", "plan"]) {
      const problems = await project.refuses(2, command);
      assertEquals([...new Set(problems.map((each) => each.code))], ["contract.breaking"], `${command} ${version}`);
      assertEquals(problems.some((each) => each.message.includes(`field \`${field}\``)), true, problems[0]?.message);
    }
  }
  write("1.3.0", [...FIELDS, '{name: "extra", type: "u8", since: "1.3.0"}']);
  await project.rendered();
  await project.succeed("check");
  const earlier = `contracts: tick: earlier: [{version: "1.2.0", fields: [${FIELDS.join(", ")}]}]\n`;
  project.write("panel.cue", panel(contract("2.0.0", [n.replace("u32", "u64")]) + earlier + drivers));
  await project.rendered();
  await project.succeed("check");
  await project.down();
});
