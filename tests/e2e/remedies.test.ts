/** What a refusal says to do is what helps: its commands are run as they are written, and then the plan is admitted. */
import { assert, assertEquals } from "@std/assert";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import { seal } from "../../core/trust/envelope.ts";
import { granted, grantOf, keys, readPlan } from "./grants.ts";
import { pair, panel, teller } from "./panels.ts";
import { Project } from "./project.ts";

const HOUR_MS = 3_600_000;
const SCRIPT = "while :; do echo tick; sleep 0.1; done\n";

interface Case {
  readonly code: string;
  /** What the policy says besides. */
  readonly policy?: string;
  /** Does to a plan that would be admitted what has it refused; answers the key that the remedy calls KEY or FILE. */
  spoil(project: Project, plan: string): Promise<string | void> | string | void;
}

const grants = (otherwise: Parameters<typeof grantOf>[2]) => (project: Project, plan: string) =>
  Deno.writeFileSync(plan, granted(plan, [grantOf(project, plan, otherwise)]));

const removed = (name: string) => (project: Project) => Deno.removeSync(project.path(name));

const edited = (name: string, from: string, to: string, signed: boolean) => async (project: Project) => {
  const text = Deno.readTextFileSync(project.path(name));
  assert(text.includes(from), `${name} has no ${from}`);
  project.write(name, text.replace(from, to));
  if (signed) await project.succeed("sign", project.path(name));
};

interface Made {
  readonly id: string;
  readonly file: string;
}

/** A new key, and a grant that it alone signed. */
async function grantedBy(project: Project, plan: string, ...args: readonly string[]): Promise<Made> {
  const made = await project.json<Made>("keys", "new", ...args);
  const secret = ["plan", "manifest"].flatMap((role) => keys(project, role as "plan")).find(({ id }) => id === made.id);
  Deno.writeFileSync(plan, granted(plan, [grantOf(project, plan, {}, secret ? [secret] : [])]));
  return made;
}

const CASES: readonly Case[] = [
  { code: "plan.broken", spoil: (_, plan) => Deno.writeTextFileSync(plan, `${Deno.readTextFileSync(plan)} `) },
  { code: "plan.unsigned", spoil: (_, plan) => Deno.writeFileSync(plan, granted(plan, [])) },
  {
    code: "plan.signature",
    spoil(project, plan) {
      const [good, other] = [grantOf(project, plan), grantOf(project, plan, { serial: 99 })];
      Deno.writeFileSync(plan, granted(plan, [{ ...good, payload: other.payload }]));
    },
  },
  {
    code: "plan.signature",
    spoil(project, plan) {
      const grant = seal("plan", readPlan(plan).id, { panel: 1 }, keys(project).slice(0, 1), openCrypto().signer);
      Deno.writeFileSync(plan, granted(plan, [grant]));
    },
  },
  {
    code: "plan.key.unknown",
    spoil: async (project, plan) => (await grantedBy(project, plan, "--role", "plan", "--no-trust")).file,
  },
  {
    code: "plan.key.revoked",
    async spoil(project, plan) {
      const { id } = await grantedBy(project, plan);
      await project.succeed("keys", "revoke", id);
    },
  },
  {
    code: "plan.key.role",
    spoil: async (project, plan) => void await grantedBy(project, plan, "--role", "manifest"),
  },
  {
    code: "plan.threshold",
    policy: "policy: sign: plan: 2",
    async spoil(project, plan) {
      await grantedBy(project, plan, "--role", "plan");
      return (await project.json<Made>("keys", "new", "--role", "plan")).file;
    },
  },
  { code: "grant.otherPanel", spoil: grants({ panel: "cell2" }) },
  { code: "grant.stale", spoil: grants({ predecessor: null }) },
  { code: "grant.serial", spoil: grants({ serial: 0 }) },
  { code: "grant.expired", spoil: grants({ notAfter: Date.now() - 1 }) },
  { code: "grant.early", spoil: grants({ notBefore: Date.now() + HOUR_MS }) },
  { code: "plan.policyChanged", spoil: edited("policy.json", '"strict":true', '"strict":false', true) },
  { code: "plan.manifestChanged", spoil: edited("manifests/gen.json", '"openFiles":256', '"openFiles":512', true) },
  { code: "plan.manifestChanged", spoil: removed("manifests/gen.json") },
  { code: "plan.closureChanged", spoil: (project) => project.write("ticks.sh", `${SCRIPT}# ${Date.now()}\n`) },
  { code: "policy.missing", spoil: removed("policy.json") },
  { code: "policy.unsigned", spoil: removed("policy.json.sig") },
  { code: "policy.changed", spoil: edited("policy.json", '"strict":true', '"strict":false', false) },
  { code: "policy.broken", spoil: edited("policy.json", "{", "{ ", false) },
  { code: "policy.broken", spoil: edited("policy.json", '"strict":true', '"strict":"yes"', false) },
  { code: "policy.signature", spoil: (project) => project.write("policy.json.sig", "{}") },
  {
    code: "policy.threshold",
    policy: "policy: sign: policy: 2",
    async spoil(project) {
      Deno.removeSync(project.path("policy.json.sig"));
      const one = await project.json<Made>("keys", "new", "--role", "policy");
      await project.succeed("sign", project.path("policy.json"), "--key", one.file);
      return (await project.json<Made>("keys", "new")).file;
    },
  },
  { code: "manifest.unsigned", spoil: removed("manifests/gen.json.sig") },
  { code: "manifest.signature", spoil: (project) => project.write("manifests/gen.json.sig", "[") },
];

const files = (at: number, policy = ""): Record<string, string> => ({
  "panel.cue": panel(pair("gen") + teller(["sh", "ticks.sh"]) + (at % 2 === 0 ? pair("more") : ""), "cell1", policy),
});

/** Runs the commands of a remedy in their order; answers the plan that they leave to be applied. */
async function follow(project: Project, remedy: string, plan: string, key: string): Promise<string> {
  const commands = [...remedy.matchAll(/`rtt ([^`]+)`/g)].map((match) => match[1] ?? "");
  assert(commands.length > 0, `no command in: ${remedy}`);
  for (const command of commands) {
    const names: Readonly<Record<string, string>> = { PLAN: plan, KEY: key, FILE: key };
    const words = (await project.succeed(...command.split(" ").map((word) => names[word] ?? word))).trimEnd();
    if (command === "plan") plan = words.split("\n").at(-1) ?? "";
  }
  return plan;
}

Deno.test("each refusal of admission that its reader can mend is mended by its own remedy", async (t) => {
  await using project = await Project.signed({ ...files(1), "ticks.sh": SCRIPT });
  await project.serve();
  await project.become();
  for (const [at, { code, policy, spoil }] of CASES.entries()) {
    await t.step(`${at} ${code}`, async () => {
      for (const [name, text] of Object.entries(files(at, policy))) project.write(name, text);
      await project.rendered();
      const plan = await project.plan();
      const key = await spoil(project, plan) ?? "";
      const [problem] = await project.refuses(3, "apply", plan);
      assertEquals(problem?.code, code, problem?.message);
      await project.succeed("apply", await follow(project, problem?.remedy ?? "", plan, key));
    });
  }

  await t.step("plan.stale", async () => {
    const write = async (text: string) => {
      project.write("panel.cue", text);
      await project.rendered();
    };
    const mine = files(0)["panel.cue"] ?? "";
    // Whichever of the two is committed now, neither of these is.
    await write(mine + pair("late"));
    const stale = await project.plan();
    await write(mine + pair("rival"));
    await project.succeed("apply", await project.plan());
    await write(mine + pair("late"));
    const [problem] = await project.refuses(3, "apply", stale);
    assertEquals(problem?.code, "plan.stale");
    await project.succeed("apply", await follow(project, problem?.remedy ?? "", stale, ""));
  });

  await t.step("an edit that was not rendered is not planned", async () => {
    project.write("panel.cue", files(1)["panel.cue"] ?? "");
    const [problem] = await project.refuses(3, "plan");
    assertEquals(problem?.code, "mirror.differs");
    await follow(project, problem?.remedy ?? "", "", "");
    await project.succeed("apply", await project.plan());
  });
  await project.down();
});
