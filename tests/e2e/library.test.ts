/** The library under the permissions that `mod.ts` documents beside each function: these are enough, and each is needed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Project } from "./project.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const MOD = `${ROOT}mod.ts`;

type Places = Readonly<Record<string, string>>;

/** `--allow-KIND=WHAT` for each thing that the comment above this function says it needs, placeholders filled in. */
function documented(name: string, places: Places): readonly string[] {
  const text = Deno.readTextFileSync(MOD);
  const comments = text.slice(0, new RegExp(`^export (async )?function ${name}\\(`, "m").exec(text)?.index);
  const comment = comments.slice(comments.lastIndexOf("/**"));
  const flags = [...comment.matchAll(/`--allow-([a-z]+)=([^`]+)`/g)].flatMap(([, kind, list]) =>
    (list ?? "").split(",").map((each) => {
      const placeholder = /^[A-Z]+/.exec(each)?.[0] ?? "";
      return `--allow-${kind}=${(places[placeholder] ?? "") + each.slice(placeholder.length)}`;
    })
  );
  assert(flags.length > 0, `mod.ts says what ${name} needs`);
  return flags;
}

/** Runs these lines with the library imported; what they give to `say` is answered. */
async function run(lines: string, flags: readonly string[]): Promise<{ code: number; said: string; wrong: string }> {
  const args = ["run", "--quiet", "--no-prompt", "--frozen", "--config", `${ROOT}deno.json`, ...flags, "-"];
  const command = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  const program = `import * as rtt from "file://${MOD}";
const say = (value) => console.log(JSON.stringify(value));
${lines}`;
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout).trim(), wrong: decoder.decode(stderr) };
}

/** These lines say `expected` with the documented permissions, and fail without any one of them. */
async function needs(name: string, places: Places, lines: string, expected: unknown): Promise<void> {
  const flags = documented(name, { RTT: ROOT.slice(0, -1), ...places });
  const { said, wrong } = await run(lines, flags);
  assertEquals(said === "" ? wrong : JSON.parse(said), expected, name);
  for (const flag of flags) {
    const { code } = await run(lines, flags.filter((each) => each !== flag));
    assert(code !== 0, `${name} works without ${flag}`);
  }
}

const json = (value: unknown): string => JSON.stringify(value);

/** Bytes of a file as a program says them: reading it would need a permission of its own. */
const bytes = (path: string): string => `Uint8Array.from(${json([...Deno.readFileSync(path)])})`;

Deno.test("checkText needs CUE, and says what is wrong", async () => {
  const lines = 'const checked = await rtt.checkText({ "panel.cue": "package panel\\nx: 1\\n" }); say(checked.ok);';
  await needs("checkText", {}, lines, false);
});

Deno.test("check and plan need the project, plan also the facts of a host, the solver and the hashes", async () => {
  await using project = await Project.make();
  const folder = Deno.makeTempDirSync({ prefix: "rtt-e2e-" });
  const facts = `${folder}/facts.json`;
  await project.succeed("scan", "--export", facts);
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const places = {
    PROJECT: project.dir,
    FACTS: facts,
    NPM: JSON.parse(new TextDecoder().decode(info.stdout)).npmCache,
  };
  await needs("check", places, `say((await rtt.check(${json(project.dir)})).panel.name);`, "cell1");
  const plan = `const made = await rtt.plan(${json(project.dir)}, ${json(facts)}); say(made.ok && made.value.panel);`;
  await needs("plan", places, plan, "cell1");
  const blind = await run(`await rtt.plan(${json(project.dir)});`, ["--allow-read"]);
  assertMatch(blind.wrong, /Requires all access to/, "without facts this host is asked, and nothing is guessed");
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("readPlan, verify and verifyLog need the hashes and signatures, connect the panel's socket", async () => {
  await using project = await Project.signed();
  const file = await project.plan();
  await project.serve();
  await project.succeed("apply", file);
  const status = await project.settled();
  const id = status.plan;
  await needs("readPlan", {}, `const read = rtt.readPlan(${bytes(file)}); say(read.ok && read.value.id);`, id);

  const trust = Deno.readTextFileSync(project.path(".rtt/trust.json"));
  const verify = (here: string) =>
    `const judged = rtt.verify(${bytes(file)}, ${trust}, ${here});
say(judged.ok ? [judged.value.id, judged.value.serial, judged.value.again] : judged.issues[0].code);`;
  await needs("verify", {}, verify('{ panel: "cell1", now: new Date() }'), [id, 1, false]);
  const { plan, graph, serial } = status;
  const flags = documented("verify", { RTT: ROOT.slice(0, -1) });
  const cases = [
    [`{ panel: "cell1", now: new Date(), base: ${json({ plan, graph, serial })} }`, [id, 1, true]],
    [`{ panel: "cell2", now: new Date() }`, "plan.otherPanel"],
    [`{ panel: "cell1", now: new Date(), base: ${json({ plan: null, graph, serial })} }`, "plan.stale"],
    [`{ panel: "cell1", now: new Date(Date.now() + 1e10) }`, "grant.expired"],
    [`{ panel: "cell1", now: new Date(), threshold: 2 }`, "plan.threshold"],
  ] as const;
  for (const [here, expected] of cases) assertEquals(JSON.parse((await run(verify(here), flags)).said), expected, here);

  const log = `const log = rtt.verifyLog(${bytes(project.path(".rtt/wal/log"))}); say(log.ok && log.value.root);`;
  await needs("verifyLog", {}, log, await project.root());

  const ask = `using panel = rtt.connect(${json(project.dir)}); say((await panel.get(rtt.ROUTES.status)).plan);`;
  await needs("connect", { PROJECT: project.dir }, ask, id);
  await project.down();
});
