/** Who may talk to a panel: the user that it runs as, in its own namespaces, and nobody else. */
import { assert, assertEquals } from "@std/assert";
import { isRoot, NOBODY, ORDINARY, Project, RTT } from "../e2e/project.ts";

/** `rtt status` of the project by way of another command line. */
async function status(project: Project, by: readonly string[]): Promise<{ code: number; error: string }> {
  const [program = "", ...args] = [...by, RTT, "status", "--json", "--dir", project.dir];
  const { code, stderr } = await new Deno.Command(program, { args, cwd: "/", stderr: "piped" }).output();
  const text = new TextDecoder().decode(stderr).trim();
  return { code, error: text === "" ? "" : JSON.parse(text).error.code };
}

/**
 * The system keeps it from the socket; or its connection is shut down, and it sees a refusal if that was written before, and
 * else nobody there.
 */
function assertTurnedAway({ code, error }: { code: number; error: string }): void {
  assert(["3 panel.denied", "3 api.stranger", "5 panel.none"].includes(`${code} ${error}`), `${code} ${error}`);
}

Deno.test("what a panel and its keeper keep is open to their user only", async () => {
  await using project = await Project.signed();
  await project.serve();
  await project.become();
  const closed = [".rtt/run/panel.sock", ".rtt/run/keeper.sock", ".rtt/run", ".rtt/logs", ".rtt/wal", ".rtt/wal/log"];
  const keys = [...Deno.readDirSync(project.path(".rtt/keys"))].map(({ name }) => `.rtt/keys/${name}`);
  for (const path of [...closed, ...keys]) {
    assertEquals((Deno.lstatSync(project.path(path)).mode ?? 0) & 0o077, 0, path);
  }
  await project.down();
});

Deno.test("a peer in another user namespace is not served, and the panel serves its own user on", async () => {
  await using project = await Project.signed();
  await project.serve();
  await project.become();
  assertTurnedAway(await status(project, ["unshare", "--user", "--map-root-user"]));
  assertEquals((await project.settled()).links[0]?.state, "up");
  await project.down();
});

if (isRoot) {
  Deno.test("neither root nor another ordinary user is served by an ordinary user's panel", async () => {
    await using project = await Project.signed({}, ORDINARY);
    await project.serve();
    assertTurnedAway(await status(project, ["env"]));
    const other = ["setpriv", `--reuid=${NOBODY - 1}`, `--regid=${NOBODY - 1}`, "--clear-groups"];
    assertTurnedAway(await status(project, other));
    assertEquals((await project.settled()).panel, "cell1");
    await project.down();
  });
}
