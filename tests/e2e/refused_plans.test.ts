/** A plan that may not be applied is refused with the one reason why, and nothing changes. */
import { assertEquals } from "@std/assert";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import { cosign } from "../../core/trust/envelope.ts";
import { everything } from "./everything.ts";
import { granted, grantOf, keys, renew } from "./grants.ts";
import { pair, panel, teller } from "./panels.ts";
import { Project } from "./project.ts";

const HOUR_MS = 3_600_000;
const SCRIPT = "while :; do echo tick; sleep 0.1; done\n";
const files = (more = "", policy = ""): Record<string, string> => ({
  "panel.cue": panel(pair("gen") + teller(["sh", "ticks.sh"]) + more, "cell1", policy),
  "ticks.sh": SCRIPT,
});

/** Applies what `prepare` writes to a file beside the plan, and sees it refused and nothing changed. */
async function refused(project: Project, code: string, file: Uint8Array | string): Promise<void> {
  const path = project.path("refused.json");
  if (typeof file === "string") Deno.writeTextFileSync(path, file);
  else Deno.writeFileSync(path, file);
  const { plan, links } = await project.settled();
  const before = everything(project.dir, MOVING);
  assertEquals((await project.refuses(3, "apply", path)).map((each) => each.code), [code]);
  const after = await project.settled();
  assertEquals([after.plan, after.links.map((link) => link.lane)], [plan, links.map((link) => link.lane)]);
  assertEquals(everything(project.dir, MOVING), before);
}

/** What drivers say, and sockets. */
const MOVING = [".rtt/logs", ".rtt/run"];

Deno.test("a plan is refused for each rule that it or its grant breaks, each with its own code", async (t) => {
  await using project = await Project.signed(files());
  await project.serve();
  const first = await project.plan();
  await project.succeed("apply", first);
  for (const [name, text] of Object.entries(files(pair("more")))) project.write(name, text);
  await project.rendered();
  const plan = await project.plan();
  const [key] = keys(project); // The only one as yet.
  const text = new TextDecoder().decode(granted(plan, [grantOf(project, plan)]));

  const grants: readonly (readonly [string, string, Parameters<typeof grantOf>[2]])[] = [
    ["for another panel", "grant.otherPanel", { panel: "cell2" }],
    ["that follows another plan", "grant.stale", { predecessor: null }],
    ["whose serial is not above the last", "grant.serial", { serial: 1 }],
    ["whose window is over", "grant.expired", { notAfter: Date.now() - 1 }],
    ["whose window has not begun", "grant.early", { notBefore: Date.now() + HOUR_MS }],
  ];
  for (const [what, code, otherwise] of grants) {
    await t.step(`a grant ${what}`, () => refused(project, code, granted(plan, [grantOf(project, plan, otherwise)])));
  }

  await t.step("no grant at all", () => refused(project, "plan.unsigned", granted(plan, [])));

  await t.step("a grant of another plan", () => {
    return refused(project, "plan.signature", granted(plan, [grantOf(project, first)]));
  });

  await t.step("a key without the role, one that is not trusted, and one that is revoked", async () => {
    const made = async (...args: string[]) => (await project.json<{ id: string }>("keys", "new", ...args)).id;
    const clerk = await made("--role", "manifest");
    const clerks = keys(project, "manifest").filter((each) => each.id === clerk);
    await refused(project, "plan.key.role", granted(plan, [grantOf(project, plan, {}, clerks)]));
    const stranger = await made("--role", "plan", "--no-trust");
    const strangers = keys(project).filter((each) => each.id === stranger);
    await refused(project, "plan.key.unknown", granted(plan, [grantOf(project, plan, {}, strangers)]));
    const former = await made("--role", "plan");
    await project.succeed("keys", "revoke", former);
    const formers = keys(project).filter((each) => each.id === former);
    await refused(project, "plan.key.revoked", granted(plan, [grantOf(project, plan, {}, formers)]));
  });

  await t.step("a key that signs twice", () => {
    const once = grantOf(project, plan);
    const twice = { ...once, signatures: [...once.signatures, ...once.signatures] };
    return refused(project, "plan.signature", granted(plan, [twice]));
  });

  await t.step("duplicate keys, spaces and other text around the same plan", async () => {
    await refused(project, "plan.broken", text.replace("{", '{"plan":"",'));
    await refused(project, "plan.broken", text.replace('"envelopes":', '"envelopes":[],"envelopes":'));
    await refused(project, "plan.broken", ` ${text}`);
    await refused(project, "plan.broken", `${text}\n`);
    await refused(project, "plan.broken", "");
    await refused(project, "plan.broken", "[".repeat(100_000));
  });

  await t.step("a plan of another panel's project", async () => {
    await using other = await Project.signed({ "panel.cue": panel(pair("gen"), "cell2") });
    await project.succeed("keys", "trust", `${other.dir}/.rtt/keys/${keys(other)[0]?.id.slice(0, 16)}.json`);
    await refused(project, "plan.otherPanel", Deno.readFileSync(await other.plan()));
  });

  await t.step("a touched file that a driver runs", async () => {
    const good = granted(plan, [grantOf(project, plan)]);
    project.write("ticks.sh", `${SCRIPT}# touched\n`);
    await refused(project, "plan.closureChanged", good);
    Deno.removeSync(project.path("ticks.sh"));
    await refused(project, "plan.closureChanged", good);
    project.write("ticks.sh", SCRIPT);
  });

  await t.step("a manifest that was changed, signed again, or has lost its signature", async () => {
    const good = granted(plan, [grantOf(project, plan)]);
    const path = project.path("manifests/moreSink.json");
    const manifest = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, manifest.replace('"openFiles":256', '"openFiles":512'));
    await refused(project, "plan.manifestChanged", good);
    await project.succeed("sign", path);
    await refused(project, "plan.manifestChanged", good);
    Deno.writeTextFileSync(path, manifest);
    await refused(project, "manifest.changed", good);
    Deno.removeSync(`${path}.sig`);
    await refused(project, "manifest.unsigned", good);
    await project.succeed("sign");
  });

  await t.step("a policy that was changed, and one that was signed again", async () => {
    const good = granted(plan, [grantOf(project, plan)]);
    const policy = Deno.readTextFileSync(project.path("policy.json"));
    project.write("policy.json", policy.replace('"strict":true', '"strict":false'));
    await refused(project, "policy.changed", good);
    await project.succeed("sign", project.path("policy.json"));
    await refused(project, "plan.policyChanged", good);
    project.write("policy.json", policy);
    await project.succeed("sign");
  });

  await t.step("the good one is applied after all that, and what started from the same base is stale", async () => {
    project.write("panel.cue", files(pair("rival"))["panel.cue"] ?? "");
    await project.rendered();
    const rival = await project.plan();
    project.write("panel.cue", files(pair("more"))["panel.cue"] ?? "");
    await project.rendered();
    renew(project, plan);
    await project.succeed("apply", plan);
    await refused(project, "plan.stale", granted(rival, [grantOf(project, rival)]));
  });

  await t.step("policy that wants two keys is not content with one", async () => {
    const { id } = await project.json<{ id: string }>("keys", "new");
    for (const [name, text] of Object.entries(files("", "policy: sign: plan: 2"))) project.write(name, text);
    await project.rendered();
    const two = await project.plan();
    const alone = key ? grantOf(project, two, {}, [key]) : undefined;
    await refused(project, "plan.threshold", granted(two, alone ? [alone] : []));
    const second = keys(project).find((each) => each.id === id);
    const both = alone && second ? cosign(alone, second, openCrypto().signer) : undefined;
    Deno.writeFileSync(two, granted(two, both ? [both] : []));
    await project.succeed("apply", two);
    await project.settled();
  });

  await t.step("a key that is revoked after its signatures were believed", async () => {
    const again = granted(plan, [grantOf(project, plan)]);
    await project.succeed("keys", "revoke", key?.id ?? "");
    await refused(project, "plan.key.revoked", again);
  });

  await project.down();
});
