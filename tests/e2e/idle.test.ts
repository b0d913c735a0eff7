/** An idle panel sleeps: it wakes by itself only where a budget asks for it. */
import { assert } from "@std/assert";
import { pair, panel } from "./panels.ts";
import { pause, statusWord } from "./process.ts";
import { Project } from "./project.ts";

const LOOK_MS = 3_000;
/** A budget's figures are looked at ten times a second. */
const BEATS = LOOK_MS / 100;

/** How often the panel's own thread went to sleep while nobody asked it anything. */
async function wakes(project: Project): Promise<number> {
  await project.settled();
  const { panel: pid } = project.pids();
  assert(pid !== undefined);
  const count = (): number => Number(statusWord(pid, "voluntary_ctxt_switches"));
  // What was begun before is over by then.
  await pause(LOOK_MS);
  const before = count();
  await pause(LOOK_MS);
  return count() - before;
}

Deno.test("a panel without a budget does not wake; one with a budget wakes for it; without it, no more", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  await project.serve();
  await project.become();
  const without = await wakes(project);
  await project.become({ "panel.cue": panel(pair("gen", ', p99: "50ms"')) });
  const budgeted = await wakes(project);
  await project.become({ "panel.cue": panel(pair("gen")) });
  const after = await wakes(project);
  console.log(`wakes in ${LOOK_MS / 1000} s: ${without} without a budget, ${budgeted} with one, ${after} after it`);
  assert(without < BEATS / 4 && after < BEATS / 4 && budgeted > BEATS / 2, `${without} ${budgeted} ${after}`);
  await project.down();
});
