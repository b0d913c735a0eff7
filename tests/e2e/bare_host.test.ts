/** The executable on a host that has nothing else: no home, no network, nothing writable but the project's folder. */
import { assert, assertEquals } from "@std/assert";
import { exists, until } from "./process.ts";
import { isRoot, NOBODY, Project } from "./project.ts";

const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

/** Namespaces without a network where the whole tree is read-only but for `dir`; then `by`, then the command. */
function bare(dir: string, by: readonly string[]): readonly string[] {
  const mounts = [
    "mount --make-rprivate /",
    `mount --bind ${dir} ${dir}`,
    "mount -o remount,bind,ro /",
    "for at in /tmp /dev/shm /run; do if mountpoint -q $at; then mount -o remount,bind,ro $at; fi; done",
  ];
  // An ordinary user makes namespaces by way of one of users; in it everybody else is nobody.
  const own = isRoot ? [] : ["--user", "--map-root-user"];
  const script = `${mounts.join(" && ")} && cd ${dir} && exec "$@"`;
  return ["unshare", ...own, "--mount", "--net", "sh", "-c", script, "sh", ...by, "env", "-i"];
}

const USERS = [
  ["as the user that runs it", []],
  ...(isRoot ? [["as an ordinary user", AS_NOBODY] as const] : []),
] as const;

for (const [user, by] of USERS) {
  Deno.test(`with an empty environment, no network and a read-only tree everything works, ${user}`, async () => {
    await using project = await Project.make({}, (dir) => {
      if (by.length > 0) Deno.chownSync(dir, NOBODY, NOBODY);
      return bare(dir, by);
    });
    await project.succeed("check");
    await project.succeed("keys", "new");
    await project.rendered();
    const plan = await project.plan();
    // The panel makes the namespaces, and the commands are run in the same ones.
    const serving = project.serve();
    await until("the panel answers", () => exists(project.path(".rtt/run/panel.sock")));
    const { panel } = project.pids();
    const enter = isRoot ? [] : ["--user", "--preserve-credentials"];
    project.by = ["nsenter", `--target=${panel}`, "--mount", "--net", ...enter, ...by, "env", "-i"];
    await serving;
    const touch = new Deno.Command("nsenter", {
      args: [`--target=${panel}`, "--mount", ...enter, "touch", "/tmp/rtt-not-writable"],
      stderr: "null",
    });
    assert(!(await touch.output()).success, "the tree is writable");
    await project.succeed("apply", plan);
    assertEquals((await project.settled()).links.map((link) => link.state), ["up"]);
    await until("frames arrive", () => project.taken("sink") > 100);
    await project.succeed("rollback");
    assertEquals((await project.settled()).drivers, []);
    await project.down();
  });
}
