/** A panel that would not tell the truth does not start. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pair, panel } from "./panels.ts";
import { kill, readText, until } from "./process.ts";
import { isRoot, Project } from "./project.ts";
import { seeded } from "./random.ts";

const FLIPS = 12;

Deno.test("a mirror that disagrees with its CUE: serve refuses and shows the difference", async () => {
  await using project = await Project.signed();
  const yaml = Deno.readTextFileSync(project.path(".rtt/panel.yaml"));
  const mirrors: readonly (readonly [string, string, string, string])[] = [
    [".rtt/panel.yaml", "cell1", "cell9", "cell9"],
    [".rtt/routes.json", '"sink/load"', '"gen/load"', "sink/load"],
    ["manifests/sink.json", '"openFiles":256', '"openFiles":512', "512"],
    ["policy.json", '"strict":true', '"strict":false', "strict"],
  ];
  assertStringIncludes(yaml, "cell1");
  for (const [file, from, to, shown] of mirrors) {
    const text = Deno.readTextFileSync(project.path(file));
    const other = text.replace(from, to);
    assert(other !== text, `${file} has no ${from}`);
    project.write(file, other);
    for (const command of ["serve", "check"]) {
      const [problem] = await project.refuses(3, command);
      // The place is in the CUE that the mirror is made from; the mirror is named.
      assertEquals([problem?.code, problem?.where?.split(":")[0]], ["mirror.differs", "panel.cue"]);
      assertStringIncludes(problem?.message ?? "", file);
      assertStringIncludes(problem?.message ?? "", shown);
    }
    project.write(file, text);
  }
  Deno.removeSync(project.path(".rtt/routes.json"));
  assertEquals((await project.refuses(3, "serve"))[0]?.code, "mirror.missing");
  project.write("panel.cue", panel(pair("gen")));
  assertEquals((await project.refuses(3, "serve"))[0]?.code, "mirror.differs");
});

Deno.test("a log with a byte flipped: wal verify and serve name the record, and nothing is written", async () => {
  const random = seeded("tests/e2e/refused_panels.test.ts");
  await using project = await Project.signed();
  await project.serve();
  await project.become();
  await project.become({ "panel.cue": panel(pair("gen")) });
  await project.down();
  const path = project.path(".rtt/wal/log");
  const good = Deno.readFileSync(path);
  const { records, root } = await project.json<{ records: number; root: string }>("wal", "verify");
  const used = good.findLastIndex((byte) => byte !== 0) + 1;
  assertEquals(records, 4);
  for (let done = 0; done < FLIPS; done++) {
    const bytes = good.slice();
    const at = random.below(used);
    bytes[at] = (bytes[at] ?? 0) ^ (1 + random.below(255));
    Deno.writeFileSync(path, bytes);
    for (const command of [["wal", "verify"], ["history"], ["plan"], ["scan"], ["serve"]]) {
      const [problem] = await project.refuses(3, ...command);
      const { code, message } = problem ?? { code: "", message: "" };
      assertEquals(code, "wal.damaged", `byte ${at}: ${command}: ${message}`);
      assert(/record [0-9]+|sector [0-9]+/.test(message), message);
    }
    assertEquals(Deno.readFileSync(path), bytes);
  }
  Deno.writeFileSync(path, good);
  assertEquals((await project.json<{ root: string }>("wal", "verify")).root, root);
});

Deno.test("a log that is not there is no empty log: 2 where none ever was, 3 where it is lost", async () => {
  await using project = await Project.signed();
  assertEquals((await project.refuses(2, "wal", "verify"))[0]?.code, "wal.none");
  await project.serve();
  await project.become();
  await project.down();
  Deno.removeSync(project.path(".rtt/wal/log"));
  assertEquals((await project.refuses(3, "wal", "verify"))[0]?.code, "wal.none");
});

Deno.test("a log whose last write was cut short is served without that write", async () => {
  await using project = await Project.signed();
  await project.serve();
  const plan = await project.become();
  const { keeper } = project.pids();
  await project.killPanel();
  if (keeper !== undefined) kill(keeper); // As in a power cut, which alone can leave such a log.
  const path = project.path(".rtt/wal/log");
  const bytes = Deno.readFileSync(path);
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
  bytes.fill(0, used - 20);
  Deno.writeFileSync(path, bytes);
  await project.serve();
  const status = await project.settled();
  assertEquals([status.plan, status.links], [null, []]);
  await project.succeed("sign", "--renew", plan);
  await project.succeed("apply", plan);
  assertEquals((await project.settled()).links.length, 1);
  await project.down();
});

Deno.test("a second panel on one folder is refused, and the first goes on", async () => {
  await using project = await Project.signed();
  await project.serve();
  await project.become();
  const { panel: first } = project.pids();
  assertEquals((await project.refuses(3, "serve"))[0]?.code, "panel.second");
  assertEquals(project.pids().panel, first);
  assertEquals((await project.settled()).links[0]?.state, "up");
  await project.down();
});

/** Mounts a disk with hardly any room where the log goes, in namespaces of its own, and runs the panel there. */
const SMALL = (dir: string) => [
  ...["unshare", "--mount", ...(isRoot ? [] : ["--user", "--map-root-user"])],
  ...["sh", "-c", `mount -t tmpfs -o size=8k none ${dir}/.rtt/wal && exec "$@"`, "sh"],
];
/** Commands that see what the panel sees. */
const BESIDE = (pid: number | undefined) => [
  ...["nsenter", `--target=${pid}`, "--mount", ...(isRoot ? [] : ["--user", "--preserve-credentials"])],
];

Deno.test("a full disk at the log: rolled back with a clear error, and applied when there is room again", async () => {
  await using project = await Project.signed();
  const plan = await project.plan();
  Deno.mkdirSync(project.path(".rtt/wal"));
  const serving = project.serve(SMALL(project.dir));
  const place = project.path(".rtt/wal");
  await until("the disk is there", () => readText(`/proc/${project.pids().panel}/mountinfo`).includes(place));
  project.by = BESIDE(project.pids().panel);
  await serving;
  const before = await project.settled();
  const run = await project.exits(4, "apply", plan, "--json");
  const { code, message } = JSON.parse(run.stderr).error;
  assertEquals(code, "wal.full");
  assert(/full|room/.test(message), message);
  const after = await project.settled();
  assertEquals([after.plan, after.root, after.drivers], [before.plan, before.root, []]);
  const { panel: pid } = project.pids();
  const grow = ["mount", "-o", "remount,size=64m", project.path(".rtt/wal")];
  const [program = "", ...args] = [...BESIDE(pid), ...grow];
  assert((await new Deno.Command(program, { args }).output()).success);
  // The panel looks again each second.
  await until("there is room again", async () => (await project.rtt("apply", plan)).code === 0);
  assertEquals((await project.settled()).links[0]?.state, "up");
  await project.down();
});
