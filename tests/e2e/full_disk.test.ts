/** The project's whole disk is full: nothing is changed, nothing is lost, and what is there can be recovered on it. */
import { assert, assertEquals } from "@std/assert";
import { pair, panel } from "./panels.ts";
import { readText, until } from "./process.ts";
import { type By, isRoot, Project } from "./project.ts";

/** Puts the project on a small disk of its own, in namespaces of its own, and runs the panel there. */
const SMALL = (dir: string): By => [
  ...["unshare", "--mount", ...(isRoot ? [] : ["--user", "--map-root-user"])],
  "sh",
  "-c",
  `tar -C ${dir} -cf ${dir}.tar . && mount -t tmpfs -o size=64m,mode=0700 none ${dir} && tar -C ${dir} -xf ${dir}.tar &&
   rm ${dir}.tar && cd ${dir} && exec "$@"`,
  "sh",
];

/** Runs a command where this process is. */
const BESIDE = (pid: number | undefined): By => [
  ...["nsenter", `--target=${pid}`, "--mount", ...(isRoot ? [] : ["--user", "--preserve-credentials"])],
];

async function shell(by: By, command: string): Promise<boolean> {
  const [program = "", ...args] = [...by, "sh", "-c", command];
  return (await new Deno.Command(program, { args, stderr: "null" }).output()).success;
}

Deno.test("a full disk under the whole project: exit 4, a killed panel recovers there, and with room it goes on", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  const base = await project.plan();
  const serving = project.serve(SMALL(project.dir));
  await until("the disk is there", () => {
    return readText(`/proc/${project.pids().panel}/mountinfo`).includes(` ${project.dir} `);
  });
  project.by = BESIDE(project.pids().panel);
  await serving;
  project.by = BESIDE(project.pids().keeper);
  await project.succeed("apply", base);
  const files = { "panel.cue": panel(pair("gen") + pair("more")) };
  const [text] = Object.values(files);
  assert(await shell(project.by, `cat > ${project.path("panel.cue")} <<'END'\n${text}\nEND`));
  await project.rendered();
  const plan = await project.plan();
  const ballast = project.path("ballast");
  assert(!await shell(project.by, `cat /dev/zero > ${ballast}`), "the disk has no end");
  const before = await project.settled();
  const run = await project.exits(4, "apply", plan, "--json");
  assertEquals(JSON.parse(run.stderr).error.code, "store.full");
  assertEquals((await project.refuses(1, "scan", "--export", project.path("facts.json")))[0]?.code, "disk.full");
  await project.killPanel();
  await project.serve();
  const after = await project.settled();
  assertEquals([after.plan, after.root, after.links.map((link) => link.state)], [before.plan, before.root, ["up"]]);
  assert(await shell(project.by, `rm ${ballast}`));
  await project.succeed("apply", plan);
  assertEquals((await project.settled()).links.map((link) => link.state), ["up", "up"]);
  await project.down();
});
