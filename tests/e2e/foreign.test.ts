/** Programs that know nothing of RTT, on their standard input and output: joined in every way, hung, silent, and early. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { panel } from "./panels.ts";
import { childrenOf, kill, pause, readText, statusWord, until } from "./process.ts";
import { Project } from "./project.ts";

const BYTES = 24;

interface Way {
  readonly io: "pipe" | "pty";
  readonly frame: "lines" | "prefixed" | `fixed<${number}>`;
}

const WAYS: readonly Way[] = (["pipe", "pty"] as const).flatMap((io) =>
  (["lines", `fixed<${BYTES}>`, "prefixed"] as const).map((frame) => ({ io, frame }))
);

/** `cat` between a checked load and the sink that checks it. */
const echoed = ({ io, frame }: Way, rate: number, more = ""): string =>
  panel(`
drivers: source: {run: ["rtt:gen", "--rate=${rate}", "--bytes=${BYTES}"], out: load: "load@1.0.0"}
drivers: echo: {
	run: ["cat"], speaks: "stdio", io: "${io}", frame: "${frame}"
	in: load: "load@^1.0", out: back: {contract: "load@1.0.0", dependsOn: ["load"]}
}
drivers: drain: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: there: {from: "source/load", to: "echo/load"${more}}
routes: back: {from: "echo/back", to: "drain/load"}
`);

/** The same for lines, which a load of any bytes is not: numbers, into a file. */
const COUNTING = "i=0; while :; do i=$((i + 1)); echo $i; sleep 0.005; done";
const counted = ({ io, frame }: Way, more = ""): string =>
  panel(`
drivers: source: {run: ["sh", "-c", ${JSON.stringify(COUNTING)}], speaks: "stdio", out: load: "load@1.0.0"}
drivers: echo: {
	run: ["cat"], speaks: "stdio", io: "${io}", frame: "${frame}"
	in: load: "load@^1.0", out: back: {contract: "load@1.0.0", dependsOn: ["load"]}
}
drivers: drain: {run: ["rtt:sink", "--file=numbers.txt"], in: load: "load@^1.0", files: "numbers.txt": "rw"}
routes: there: {from: "source/load", to: "echo/load"${more}}
routes: back: {from: "echo/back", to: "drain/load"}
`);

for (const way of WAYS) {
  Deno.test(`a program joined by ${way.io} in ${way.frame}: all comes back in order, also over flips`, async () => {
    const isText = way.frame === "lines";
    const cue = (more: string) => isText ? counted(way, more) : echoed(way, 500, more);
    const numbers = () => readText(project.path("numbers.txt")).trimEnd().split("\n").map(Number);
    const arrived = () => isText ? numbers().length : project.taken("drain");
    await using project = await Project.signed({ "panel.cue": cue("") });
    await project.serve();
    await project.become();
    // Other lanes each time, under load: what the program has answered by then goes first.
    for (const more of [', p99: "900ms"', ""]) {
      const before = arrived();
      await until("frames come back", () => arrived() > before + 100);
      await project.become({ "panel.cue": cue(more) });
    }
    const before = arrived();
    await until("frames come back after the flips", () => arrived() > before + 100);
    if (isText) {
      assertEquals(numbers(), numbers().map((_, index) => index + 1));
    } else {
      const { lost, reordered, corrupt } = JSON.parse(project.log("drain").trimEnd().split("\n").at(-1) ?? "");
      assertEquals([lost, reordered, corrupt], [0, 0, 0]);
    }
    await project.down();
  });
}

/** The process that `exec` has started. */
async function childOf(project: Project, name: string): Promise<number> {
  const driver = (await project.settled()).drivers.find((each) => each.name === name);
  const [child] = childrenOf(driver?.pid ?? 0);
  assert(child !== undefined, `${name} has no child`);
  return child;
}

for (const io of ["pipe", "pty"] as const) {
  Deno.test(`a program joined by ${io} that hangs holds its frames back, and the stall is seen`, async () => {
    const more = ', stall: "100ms", onTrip: "alarm", backpressure: "dropNewest"';
    await using project = await Project.signed({ "panel.cue": echoed({ io, frame: `fixed<${BYTES}>` }, 1_000, more) });
    await project.serve();
    await project.become();
    await until("frames come back", () => project.taken("drain") > 500);
    const there = async () => {
      const found = (await project.status()).links.find((each) => each.route === "there");
      assert(found);
      return found;
    };
    const child = await childOf(project, "echo");
    // A busy machine may have made it stall before.
    await until("no stall is in mind", async () => (await there()).breaker === "closed", 30_000);
    const { trips } = await there();
    kill(child, "SIGSTOP");
    await until("it is stopped", () => statusWord(child, "State")?.startsWith("T") === true);
    const { frames } = await there();
    await until("the stall trips", async () => (await there()).trips > trips);
    const after = await there();
    assert(after.frames - frames <= 4, `${after.frames - frames} frames went to who reads nothing`);
    const waited = /waits for (\d+) ms and 100 ms is a stall/.exec(after.last_trip ?? "")?.[1];
    assert(Number(waited) < 400, after.last_trip ?? "");
    kill(child, "SIGCONT");
    const taken = project.taken("drain");
    await until("frames come back again", () => project.taken("drain") > taken + 100);
    await project.down();
  });
}

/** It answers each line, into a buffer that a pipe does not empty. */
const BUFFERED = "import sys\nfor line in sys.stdin: print(line, end='')\n";
const buffered = (io: Way["io"]): string =>
  panel(`
drivers: source: {run: ["sh", "-c", ${JSON.stringify(COUNTING)}], speaks: "stdio", out: load: "load@1.0.0"}
drivers: echo: {
	run: ["python3", "buffered.py"], closure: ["buffered.py"], speaks: "stdio", io: "${io}", answerWithin: "500ms"
	restart: {budget: 1, within: "10m"}
	in: load: "load@^1.0", out: back: "load@1.0.0"
}
drivers: drain: {run: ["rtt:sink"], in: load: "load@^1.0"}
routes: there: {from: "source/load", to: "echo/load", backpressure: "dropNewest"}
routes: back: {from: "echo/back", to: "drain/load"}
`);

Deno.test("a program that does not answer: its code and the remedy are shown and logged, and the remedy works", async () => {
  await using project = await Project.signed({ "panel.cue": buffered("pipe"), "buffered.py": BUFFERED });
  await project.serve();
  await project.become();
  const echo = async () => (await project.status()).drivers.find((each) => each.name === "echo");
  await until(
    "it stays down",
    async () => (await echo())?.why?.includes("restart budget of 1 is used up") === true,
    20_000,
  );
  const sentence = /python3` has not answered its first input within 500 ms: .*`io: "pty"`/;
  assertMatch((await echo())?.why ?? "", sentence);
  assertMatch((await echo())?.said ?? "", sentence);
  assertMatch((await echo())?.said ?? "", /\(exec\.silent\)$/);
  assertMatch(await project.succeed("status"), /echo\.2 says: .*io: "pty".* \(exec\.silent\)/);
  assertMatch(await project.succeed("logs", "echo"), sentence);
  await project.become({ "panel.cue": buffered("pty") });
  await until("it answers", () => project.taken("drain") > 100);
  assertEquals((await echo())?.said, null);
  await project.down();
});

Deno.test("a program is started with its first lane, or before it if its manifest says so", async () => {
  const waiting = (name: string, more: string): string => `
drivers: ${name}Source: {run: ["rtt:gen", "--rate=100"], out: load: "load@1.0.0"}
drivers: ${name}Drain: {run: ["rtt:sink"], in: load: "load@^1.0"}
drivers: ${name}: {run: ["sh", "-c", "echo started >&2; exec cat"], speaks: "stdio", in: load: "load@^1.0"${more}}
routes: ${name}: {from: "${name}Source/load", to: "${name}Drain/load", onTrip: "fallback", fallback: ${name}: "${name}Spare"}
routes: ${name}Spare: {from: "${name}Source/load", to: "${name}/load", standby: true}
`;
  const cue = panel(`${waiting("parked", "")}${waiting("early", ", startEarly: true")}`);
  await using project = await Project.signed({ "panel.cue": cue });
  await project.serve();
  await project.become();
  await until("the early one has started", () => project.log("early").includes("started"));
  await pause(300);
  assertEquals(project.log("parked"), "");
  await project.down();
});
