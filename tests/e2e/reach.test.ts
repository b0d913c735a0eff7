/** A panel is reached from anywhere, however long its path, and by its own user alone. */
import { assertEquals } from "@std/assert";
import { isRoot, NOBODY, Project } from "./project.ts";

Deno.test("a project below a path that is longer than a socket's address is served and reached from elsewhere", async () => {
  const above = Deno.makeTempDirSync({ prefix: "rtt-e2e-" });
  const dir = `${above}/${"long".repeat(30)}/${"longer".repeat(20)}`;
  Deno.mkdirSync(dir, { recursive: true });
  {
    await using project = await Project.signed({}, [], dir);
    await project.serve();
    await project.become();
    for (const command of ["status", "drift"]) {
      for (const cwd of ["/", dir]) assertEquals((await project.from(cwd, command)).code, 0, `${command} from ${cwd}`);
    }
    assertEquals((await project.from("/", "rollback")).code, 0);
    await project.down();
    assertEquals((await project.from("/", "status")).code, 5);
  }
  Deno.removeSync(above, { recursive: true });
});

Deno.test({
  name: "another user is told that the system denies it, not that there is no panel",
  ignore: !isRoot,
  async fn() {
    await using project = await Project.signed();
    await project.serve();
    Deno.chmodSync(project.dir, 0o755);
    project.by = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
    assertEquals((await project.refuses(3, "status"))[0]?.code, "panel.denied");
    project.by = [];
    await project.down();
  },
});
