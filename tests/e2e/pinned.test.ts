/** An applied plan pins its bytes: what lies on the disk may be written over, the same bytes run, or none. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { panel, teller } from "./panels.ts";
import { kill, until } from "./process.ts";
import { Project } from "./project.ts";

/** Says which bytes it is, and then something to a sink for ever. */
const script = (word: string): string =>
  `#!/bin/sh
echo ${word} bytes >&2
while :; do echo more; sleep 0.05; done
`;

function write(path: string, text: string): void {
  Deno.writeTextFileSync(path, text);
  Deno.chmodSync(path, 0o755);
}

/** How often the teller has said that it is these bytes. */
const said = (project: Project, word: string): number => project.log("teller").split(`${word} bytes`).length - 1;

async function killTeller(project: Project): Promise<void> {
  const teller = (await project.settled()).drivers.find((each) => each.name === "teller");
  assert(teller && teller.pid !== null, "the teller does not run");
  kill(teller.pid);
}

for (const where of ["of the project", "of the host"]) {
  Deno.test(`a program ${where} is started again by the bytes that were signed`, async () => {
    const host = Deno.makeTempDirSync({ prefix: "rtt-host-" });
    await using project = await Project.make();
    const path = where === "of the host" ? `${host}/tell.sh` : project.path("tell.sh");
    write(path, script("signed"));
    project.write("panel.cue", panel(teller([where === "of the host" ? path : "./tell.sh"])));
    await project.succeed("keys", "new");
    await project.rendered();
    await project.serve();
    await project.become();
    await until("it runs", () => said(project, "signed") === 1);
    write(path, script("other"));
    await killTeller(project);
    await until("it runs again", () => said(project, "signed") === 2);
    Deno.removeSync(path);
    await killTeller(project);
    await until("it runs a third time", () => said(project, "signed") === 3);
    assertEquals([said(project, "other"), (await project.settled()).links.map((link) => link.state)], [0, ["up"]]);
    await project.down();
    Deno.removeSync(host, { recursive: true });
  });
}

Deno.test("a store object that was written over is refused by its hash, and applying the plan again mends it", async () => {
  await using project = await Project.make();
  write(project.path("tell.sh"), script("signed"));
  project.write("panel.cue", panel(teller(["./tell.sh"])));
  await project.succeed("keys", "new");
  await project.rendered();
  await project.serve();
  const plan = await project.become();
  await until("it runs", () => said(project, "signed") === 1);
  const objects = [...Deno.readDirSync(project.path(".rtt/store"))].map(({ name }) =>
    project.path(`.rtt/store/${name}`)
  );
  const [object = ""] = objects.filter((each) => Deno.readFileSync(each).length === script("signed").length);
  Deno.chmodSync(object, 0o644);
  write(object, script("other"));
  await killTeller(project);
  const told = async () => (await project.status()).drivers.find((each) => each.name === "teller");
  await until("it stays down", async () => (await told())?.why !== null);
  await until("nothing is under way", async () => (await project.status()).phase === "idle");
  assertMatch((await told())?.why ?? "", /restart budget .*cell\.closureChanged/);
  assertEquals([said(project, "signed"), said(project, "other")], [1, 0]);
  await project.succeed("apply", plan);
  await until("it runs again", () => said(project, "signed") === 2);
  await project.down();
});
