/** The examples run as they are, in a folder of their own. */
import { assert, assertEquals } from "@std/assert";
import { readText, until } from "./process.ts";
import { output, Project, RTT } from "./project.ts";

const STREAMS = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;

/** In a copy of its folder, by the commands at the head of its panel.cue; all but the last, which ends it. */
async function running(name: string): Promise<Project> {
  const project = await Project.copied(`${EXAMPLES}${name}`);
  const lines = [...readText(project.path("panel.cue")).matchAll(/^\/\/ {3}(rtt .*)$/gm)].map(([, line]) => line ?? "");
  assertEquals([lines.length, lines.at(-1)], [4, "rtt down"]);
  const env = { PATH: `${RTT.slice(0, RTT.lastIndexOf("/"))}:${Deno.env.get("PATH")}` };
  for (const line of lines.slice(0, -1)) {
    const run = await output(new Deno.Command("sh", { args: ["-c", line], cwd: project.dir, env, ...STREAMS }).spawn());
    assertEquals(run.code, 0, `${line}\n${run.stdout}${run.stderr}`);
  }
  return project;
}

Deno.test("host-metrics: this host's figures, through awk, to a file", async () => {
  await using project = await running("host-metrics");
  const lines = () => readText(project.path("metrics.txt")).trimEnd().split("\n").filter((line) => line !== "");
  await until("three means", () => lines().length >= 3, 15_000);
  for (const line of lines()) {
    const [count, cpu = -1, memory = -1, ...rest] = line.split(" ").map(Number);
    assertEquals([count, rest.length], [10, 4], line);
    assert(cpu >= 0 && cpu <= 1 && memory > 1 && rest.every((each) => each >= 0), line);
  }
  assertEquals((await project.settled()).links.map((link) => link.state), ["up", "up"]);
  await project.down();
});

Deno.test("cart-pole: the plant is closed over two lanes by a control that the planner chose", async () => {
  await using project = await running("cart-pole");
  const status = await project.settled();
  assertEquals(status.links.map((link) => [link.route, link.state]), [["act", "up"], ["load", "up"], ["sense", "up"]]);
  const frames = async (route: string) => (await project.status()).links.find((each) => each.route === route)?.frames;
  await until("a second of control", async () => (await frames("act") ?? 0) > 900);
  await until("the load arrives", () => project.taken("sink") > 1_000);
  const { lost, reordered, corrupt } = JSON.parse(project.log("sink").trimEnd().split("\n").at(-1) ?? "");
  assertEquals([lost, reordered, corrupt], [0, 0, 0]);
  await project.down();
});
