/** Who runs without isolation: whom the policy of the plan in force waives, and nobody else, whatever was in force before. */
import { assert, assertEquals } from "@std/assert";
import { pair, panel } from "../e2e/panels.ts";
import { kill, until } from "../e2e/process.ts";
import { Project } from "../e2e/project.ts";

const WAIVED = 'policy: waive: genSink: {what: "isolation", why: "vendor binary", until: "2999-12-31"}';

Deno.test("a waiver begins and ends with its plan, also by a rollback and for a driver that runs", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  await project.serve();
  await project.become();
  const sink = async () => {
    const { drivers, waivers } = await project.settled();
    const found = drivers.find((each) => each.name === "genSink");
    assert(found && found.pid !== null);
    return { ...found, pid: found.pid, waived: found.sandbox["isolation"] === "waived", waivers };
  };
  const killed = async () => {
    const before = await sink();
    kill(before.pid);
    await until("another instance serves", async () => {
      const now = (await project.status()).drivers.find((each) => each.name === "genSink");
      return now?.state === "running" && now.instance !== before.instance;
    });
    return await sink();
  };
  const is = (found: Awaited<ReturnType<typeof sink>>, waived: boolean) =>
    assertEquals([found.waived, found.waivers], [waived, waived ? 1 : 0], JSON.stringify(found));
  is(await sink(), false);
  await project.become({ "panel.cue": panel(pair("gen"), "cell1", WAIVED) });
  is(await sink(), true);
  is(await killed(), true);
  await project.succeed("rollback");
  is(await sink(), false);
  is(await killed(), false);
  await project.become({ "panel.cue": panel(pair("gen"), "cell1", WAIVED) });
  is(await sink(), true);
  await project.killPanel();
  await project.serve();
  is(await sink(), true);
  await project.become({ "panel.cue": panel(pair("gen")) });
  is(await sink(), false);
  await project.down();
});
