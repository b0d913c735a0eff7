/** Who may sign plans may not wire what policy forbids: a plan is judged whoever, or whatever, made it. */
import { assert, assertEquals } from "@std/assert";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import type { LinkEnd } from "../../core/model/graph.ts";
import type { Plan } from "../../core/model/plan.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { writePlanFile } from "../../core/trust/plan_file.ts";
import { grantOf, readPlan } from "./grants.ts";
import { pair, panel } from "./panels.ts";
import { Project } from "./project.ts";

const DENY = 'policy: deny: [{from: "gen/*", to: "moreSink/*"}]\n';
const { hasher } = openCrypto();

/** Signs what `change` makes of a plan, with the key for plans and no other. */
function handmade(project: Project, path: string, change: (text: string) => string): string {
  const text = new TextDecoder().decode(readPlan(path).bytes);
  const changed = change(text);
  assert(changed !== text, "the plan was not changed");
  const bytes = canonical(JSON.parse(changed) as Plan);
  const made = project.path(`plans/${hasher.sha256(bytes)}.json`);
  Deno.writeFileSync(made, writePlanFile(bytes, []));
  Deno.writeFileSync(made, writePlanFile(bytes, [grantOf(project, made)]));
  return made;
}

function swapped(text: string): string {
  return JSON.stringify(JSON.parse(text), (name, value) => {
    const end = value as LinkEnd;
    const other = { genSink: "moreSink", moreSink: "genSink" }[String(end?.driver)];
    return name === "to" && other !== undefined && end.endpoint !== undefined ? { ...end, driver: other } : value;
  });
}

Deno.test("a plan made by hand is held to the policy and to its own gates", async (t) => {
  const online = 'drivers: gen: network: true\npolicy: network: ["gen"]\n';
  await using project = await Project.signed({
    "panel.cue": panel(pair("gen") + pair("more") + online, "cell1", DENY),
  });
  await project.serve();
  const plan = await project.plan();
  const refusal = async (path: string) => (await project.refuses(3, "apply", path)).map(({ code }) => code);

  await t.step("a link that policy denies", async () => {
    assertEquals(await refusal(handmade(project, plan, swapped)), ["plan.denied"]);
  });
  await t.step("a driver that is on no gate, or runs what its gate does not name", async () => {
    const { manifest } = readPlan(plan).plan.to.drivers[0] ?? {};
    const ungated = (text: string) => text.replace(`"gen":"${manifest}",`, "");
    assertEquals(await refusal(handmade(project, plan, ungated)), ["plan.gates"]);
    const others = (text: string) => text.replaceAll(`"manifest":"${manifest}"`, `"manifest":"${"0".repeat(64)}"`);
    assertEquals(await refusal(handmade(project, plan, others)), ["plan.gates"]);
  });
  await t.step("a path in place of a driver's name", async () => {
    const escaping = (text: string) => text.replace('"manifests":{"gen":', '"manifests":{"../x":');
    const made = project.path("escaping.json");
    const bytes = canonical(JSON.parse(escaping(new TextDecoder().decode(readPlan(plan).bytes))));
    Deno.writeFileSync(made, writePlanFile(bytes, []));
    assertEquals(await refusal(made), ["plan.broken"]);
  });
  await t.step("another driver's manifest under a driver's name", async () => {
    const [gen, more] = ["gen", "more"].map((name) => project.path(`manifests/${name}.json`));
    const hashes = [gen, more].map((path) => hasher.sha256(Deno.readFileSync(path ?? "")));
    const kept = [gen, `${gen}.sig`].map((path) => [path ?? "", Deno.readFileSync(path ?? "")] as const);
    for (const end of ["", ".sig"]) Deno.copyFileSync(`${more}${end}`, `${gen}${end}`);
    const disguised = (text: string) => text.replaceAll(hashes[0] ?? "", hashes[1] ?? "");
    assertEquals(await refusal(handmade(project, plan, disguised)), ["manifest.name"]);
    for (const [path, bytes] of kept) Deno.writeFileSync(path, bytes);
  });
  await t.step("network that policy no longer grants", async () => {
    const policy = Deno.readTextFileSync(project.path("policy.json"));
    project.write("policy.json", policy.replace('"network":["gen"]', '"network":[]'));
    await project.succeed("sign", project.path("policy.json"));
    const [before, now] = [policy, Deno.readTextFileSync(project.path("policy.json"))].map((text) =>
      hasher.sha256(new TextEncoder().encode(text))
    );
    const regated = (text: string) => text.replace(before ?? "", now ?? "");
    assertEquals(await refusal(handmade(project, plan, regated)), ["plan.network"]);
    project.write("policy.json", policy);
    await project.succeed("sign");
  });
  await t.step("the planner's own is applied after all that", async () => void await project.succeed("apply", plan));
  await project.down();
});
