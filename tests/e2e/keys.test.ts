/** Keys that come and go, and documents that several people sign. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { granted, grantOf, readPlan } from "./grants.ts";
import { pair, panel } from "./panels.ts";
import { Project } from "./project.ts";
import { LIMITS } from "../../core/limits.ts";

interface Key {
  readonly id: string;
  readonly file: string;
}

const newKey = (project: Project, ...args: readonly string[]) => project.json<Key>("keys", "new", ...args);
const signersOf = (path: string) =>
  readPlan(path).envelopes.map((each) => each.signatures.map(({ keyid }) => keyid).sort());

Deno.test("a key is replaced: what the old one signed is refused, and signing again is all that it takes", async () => {
  await using project = await Project.make({ "panel.cue": panel(pair("gen")) });
  const old = await newKey(project);
  await project.rendered();
  await project.serve();
  const plan = await project.plan();
  await project.succeed("keys", "revoke", old.id);
  assertEquals((await project.refuses(3, "apply", plan))[0]?.code, "plan.key.revoked");
  assertEquals((await project.refuses(3, "sign"))[0]?.code, "key.none");

  const fresh = await newKey(project);
  const run = await project.exits(0, "sign");
  assertStringIncludes(run.stderr, `key ${old.id.slice(0, 16)} does not sign because it is revoked`);
  assertStringIncludes(run.stderr, "dropped a signature of policy.json");
  await project.succeed("sign", plan);
  assertEquals(signersOf(plan), [[fresh.id]]);
  await project.succeed("apply", plan);
  assertEquals((await project.settled()).links.length, 1);
  assertEquals((await project.refuses(3, "sign", "--key", old.file))[0]?.code, "key.revoked");
  await project.down();
});

Deno.test("a key that is not trusted signs only when it is named, and the trusted ones drop what it signed", async () => {
  await using project = await Project.make({ "panel.cue": panel(pair("gen")) });
  const stranger = await newKey(project, "--no-trust");
  await project.succeed("render");
  assertMatch((await project.refuses(3, "sign"))[0]?.message ?? "", /trusted here/);
  const mine = await newKey(project);
  await project.rendered();
  const plan = await project.plan();
  assertEquals(signersOf(plan), [[mine.id]]);
  await project.succeed("sign", plan, "--key", stranger.file);
  assertEquals(signersOf(plan), [[mine.id, stranger.id].sort()]);
  assertStringIncludes(await project.succeed("sign", plan, "--key", stranger.file), "nothing to do");
  await project.succeed("sign", plan);
  assertEquals(signersOf(plan), [[mine.id]]);
});

Deno.test("two people sign one plan; planning again keeps what they signed", async () => {
  await using project = await Project.make({ "panel.cue": panel(pair("gen"), "cell1", "policy: sign: plan: 2") });
  const one = await newKey(project);
  await project.rendered();
  await project.serve();
  const plan = await project.plan();
  assertEquals((await project.refuses(3, "apply", plan))[0]?.code, "plan.threshold");
  // The other's key lies elsewhere: only its public half is trusted here.
  const other = await newKey(project, "--role", "plan");
  const elsewhere = project.path("other-key.json");
  Deno.renameSync(other.file, elsewhere);

  assertStringIncludes(await project.succeed("sign", plan, "--key", elsewhere), "signed plans/");
  assertEquals(signersOf(plan), [[one.id, other.id].sort()]);
  assertStringIncludes(await project.succeed("sign", plan, "--key", elsewhere), "nothing to do");
  for (const again of [["plan"], ["plan", "--no-sign"]]) {
    await project.succeed(...again);
    assertEquals(signersOf(plan), [[one.id, other.id].sort()], again.join(" "));
  }
  await project.succeed("apply", plan);
  const history = (await project.succeed("history", "--json")).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(history.at(-1).signers, [one.id, other.id].sort());
  await project.down();
});

Deno.test("a colleague's key is believed in the roles that were named, and in no others", async () => {
  await using project = await Project.make();
  const { id, file } = await newKey(project, "--no-trust");
  assertEquals(await project.json("keys", "trust", file, "--role", "plan"), { id, roles: ["plan"] });
  const { keys } = await project.json<{ keys: { id: string; roles: string[] }[] }>("keys", "list");
  assertEquals(keys.map((each) => [each.id, each.roles]), [[id, ["plan"]]]);
  await project.succeed("render");
  assertMatch((await project.refuses(3, "sign"))[0]?.message ?? "", /trusted here/);

  const clerk = await newKey(project, "--role", "manifest", "--no-trust");
  const before = Deno.readTextFileSync(project.path(".rtt/trust.json"));
  for (
    const args of [
      ["trust", clerk.file, "--role", "plan"],
      ["trust", clerk.file, "--comment", "me"],
      ["trust", clerk.file, "--no-trust"],
      ["revoke", id, "--role", "plan"],
      ["list", "--role", "plan"],
      ["list", "--comment", "me"],
      ["new", "--role", "admin"],
    ]
  ) assertEquals((await project.refuses(2, "keys", ...args)).map((each) => each.code), ["usage"], args.join(" "));
  assertEquals(Deno.readTextFileSync(project.path(".rtt/trust.json")), before);
});

Deno.test("a plan takes as many grants as can be read, and one more is refused before it is written", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  await project.serve();
  const plan = await project.plan();
  const all = Array.from({ length: LIMITS.envelopesOfAPlan - 1 }, () => grantOf(project, plan));
  Deno.writeFileSync(plan, granted(plan, all));
  await project.succeed("sign", "--renew", plan);
  assertEquals(readPlan(plan).envelopes.length, LIMITS.envelopesOfAPlan);
  const before = Deno.readFileSync(plan);
  assertEquals((await project.refuses(3, "sign", "--renew", plan))[0]?.code, "sign.full");
  assertEquals(Deno.readFileSync(plan), before);

  // Grants that are over make room.
  const over = Array.from({ length: LIMITS.envelopesOfAPlan }, () => grantOf(project, plan, { notAfter: Date.now() }));
  Deno.writeFileSync(plan, granted(plan, over));
  await project.succeed("sign", plan);
  assertEquals(readPlan(plan).envelopes.length, 1);
  await project.succeed("apply", plan);
  await project.down();
});

Deno.test("signing says what it did: with nothing to add it changes nothing and says so", async () => {
  await using project = await Project.signed({ "panel.cue": panel(pair("gen")) });
  const plan = await project.plan();
  const before = Deno.readFileSync(plan);
  for (const line of (await project.succeed("sign")).trimEnd().split("\n")) assertStringIncludes(line, "nothing to do");
  assertStringIncludes(await project.succeed("sign", plan), "nothing to do");
  assertEquals(Deno.readFileSync(plan), before);
  assertStringIncludes(await project.succeed("sign", plan, "--for", "2h"), "signed");
  assertEquals(readPlan(plan).envelopes.length, 2);
  for (const args of [["sign", "--for", "2h"], ["sign", "--renew"], ["plan", "--no-sign", "--for", "1y"]]) {
    assertEquals((await project.refuses(2, ...args))[0]?.code, "usage", args.join(" "));
  }
  assert(!(await project.succeed("plan")).includes("not granted"));
});
