/** A plan file of which any byte was changed does nothing. */
import { assert, assertEquals } from "@std/assert";
import { pair, panel } from "./panels.ts";
import { Project } from "./project.ts";
import { seeded } from "./random.ts";

const FLIPS = 200;
const LOOK_EVERY = 10;

Deno.test(`${FLIPS} plan files with a byte flipped, committed or not, are refused and change nothing`, async () => {
  const random = seeded("tests/e2e/flips.test.ts");
  await using project = await Project.signed();
  await project.serve();
  const committed = await project.plan();
  await project.succeed("apply", committed);
  project.write("more.cue", `package panel\n${pair("more")}`);
  project.write("panel.cue", panel(pair("gen")));
  await project.rendered();
  const next = await project.plan();
  const files = [committed, next].map((path) => Deno.readFileSync(path));
  const before = { root: await project.root(), plan: (await project.settled()).plan };

  const codes = new Map<string, number>();
  for (let done = 0; done < FLIPS; done += files.length) {
    // One of each at once: the panel takes them as they come.
    await Promise.all(files.map(async (file, number) => {
      const bytes = file.slice();
      const at = random.below(bytes.length);
      const mask = 1 + random.below(255);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      const broken = project.path(`broken${number}.json`);
      Deno.writeFileSync(broken, bytes);
      const run = await project.rtt("apply", broken, "--json");
      assertEquals(run.code, 3, `byte ${at} of file ${number} with ${mask}: ${run.stdout}${run.stderr}`);
      const { code } = JSON.parse(run.stderr).error;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }));
    if (done % LOOK_EVERY === 0) assertEquals(await project.root(), before.root);
  }
  console.log(`refused: ${[...codes].map(([code, times]) => `${code} ${times}`).join(", ")}`);
  for (const unreadable of [project.path("nothing.json"), project.dir]) {
    assertEquals((await project.refuses(2, "apply", unreadable))[0]?.code, "input.unreadable");
  }
  const after = await project.settled();
  assertEquals({ root: await project.root(), plan: after.plan }, before);
  assert(after.links.every((link) => link.state === "up"));
  // The very same panel still takes the plan as it was signed.
  await project.succeed("apply", next);
  await project.down();
});
