/** The whole way of a change, from CUE to committed and back. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { pair, panel } from "./panels.ts";
import { until } from "./process.ts";
import { output, Project, RTT, type Run } from "./project.ts";

/** Field names of `rtt status --json` that programs may rely on. */
const STATUS = ["panel", "serial", "root", "graph", "epoch", "links", "drivers"];
const LINK = [
  "route",
  "class",
  "from",
  "to",
  "state",
  "lane",
  "cpu",
  "frames",
  "drops",
  "depth",
  "p50_ns",
  "p95_ns",
  "p99_ns",
  "predicted_p99_ns",
  "budget_ms",
  "breaker",
  "backoff_tier",
];
const DRIVER = ["name", "instance", "pid", "state", "restarts", "sandbox"];

function assertHas(value: object | undefined, fields: readonly string[]): void {
  assertEquals(fields.filter((field) => !Object.hasOwn(value ?? {}, field)), [], "missing fields");
}

Deno.test("a scaffold goes all the way: check, render, sign, plan, apply, look, change, roll back, down", async (t) => {
  await using project = await Project.make();
  let first = "";
  let second = "";

  await t.step("what init writes passes, and a second init changes nothing", async () => {
    assertEquals(await project.json("check"), { panel: "cell1", drivers: 2, contracts: 1, routes: 1 });
    const before = Deno.readTextFileSync(project.path("panel.cue"));
    assertEquals((await project.refuses(2, "init"))[0]?.code, "init.exists");
    assertEquals(Deno.readTextFileSync(project.path("panel.cue")), before);
  });

  await t.step("without a panel, commands that need one exit 5", async () => {
    for (const command of ["status", "drift", "rollback", "down"]) {
      assertEquals((await project.refuses(5, command))[0]?.code, "panel.none", command);
    }
    assertEquals((await project.refuses(2, "apply", project.path("nothing.json")))[0]?.code, "input.unreadable");
  });

  await t.step("a plan is granted, pending until applied, and the last line is its path", async () => {
    await project.succeed("keys", "new");
    await project.rendered();
    const { stdout } = await project.exits(10, "plan", "--detailed-exitcode");
    first = stdout.trimEnd().split("\n").at(-1) ?? "";
    assertMatch(first, /\/plans\/[0-9a-f]{64}\.json$/);
    assertStringIncludes(await project.succeed("show", first), "gen");
    assertStringIncludes(await project.succeed("explain", "load"), "load");
  });

  await t.step("apply --start starts a panel and commits", async () => {
    assertStringIncludes(await project.succeed("apply", "--start", first), "committed");
    const status = await project.settled();
    assertHas(status, STATUS);
    assertHas(status.links[0], LINK);
    assertEquals(Object.keys(status.links[0]?.cpu ?? {}), ["from", "to"]);
    assertHas(status.drivers[0], DRIVER);
    assertEquals(status.links.map((link) => [link.route, link.state]), [["load", "up"]]);
    assertEquals(status.drivers.map((driver) => [driver.name, driver.state]), [["gen", "running"], [
      "sink",
      "running",
    ]]);
    assertEquals(await project.drift(), { equal: true, phase: "idle", drifts: [] });
  });

  await t.step("frames arrive, in order and whole, and the sink's words can be read", async () => {
    await until("2,000 frames", () => project.taken("sink") > 2_000);
    const lines = (await project.succeed("logs", "sink")).trimEnd().split("\n");
    const said = JSON.parse(lines.at(-1) ?? "");
    assertEquals([said.lost, said.reordered, said.corrupt], [0, 0, 0]);
    assertStringIncludes(await project.succeed("logs"), "sink");
  });

  await t.step("the committed plan again is a no-op that says so", async () => {
    const root = await project.root();
    assertStringIncludes(await project.succeed("apply", first), "nothing to do");
    assertEquals(await project.root(), root);
    assertEquals((await project.status()).serial, 1);
    assertStringIncludes((await project.exits(0, "plan", "--detailed-exitcode")).stdout, "nothing to do");
  });

  await t.step("a second plan adds a pair and leaves the first one's lanes alone", async () => {
    const before = await project.status();
    second = await project.become({ "panel.cue": panel(pair("gen").replaceAll("genSink", "sink") + pair("more")) });
    const after = await project.settled();
    assertEquals(after.links.map((link) => [link.route, link.state]), [["gen", "up"], ["more", "up"]]);
    assertEquals(after.serial, 2);
    assertEquals(
      after.drivers.filter((each) => each.name === "gen").map((each) => each.pid),
      before.drivers.filter((each) => each.name === "gen").map((each) => each.pid),
    );
  });

  await t.step("the wal is verified, with the three fields that are promised", async () => {
    const verified = await project.json<{ records: number; seq: number; root: string }>("wal", "verify");
    assertEquals(Object.keys(verified), ["records", "seq", "root"]);
    assertEquals([verified.records, verified.seq], [4, 4]);
    assertEquals(verified.root, (await project.status()).root);
  });

  await t.step("a rollback brings the predecessor back, and the undone plan needs a new grant", async () => {
    await project.succeed("rollback");
    const status = await project.settled();
    assertEquals(status.links.map((link) => link.route), ["load"]);
    assertEquals(project.path(`plans/${status.plan}.json`), first);
    assertEquals((await project.refuses(3, "apply", second))[0]?.code, "grant.serial");
    await project.succeed("sign", "--renew", second);
    await project.succeed("apply", second);
    assertEquals((await project.settled()).links.map((link) => link.route), ["gen", "more"]);
  });

  await t.step("history names what was done, and whose key", async () => {
    const kinds = (await project.succeed("history", "--json")).trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(kinds.map(({ kind, act }) => kind + (act ?? "")).join(" "), "Dapply C Dapply C Drollback C Dapply C");
    assert(kinds.filter(({ kind, signers }) => kind === "C" && signers.length === 1).length >= 3);
  });

  await t.step("after down nothing is left, and the next panel starts what was committed", async () => {
    await project.down();
    await project.exits(5, "status");
    await project.serve();
    assertEquals((await project.settled()).links.map((link) => link.route), ["gen", "more"]);
    await until("frames again", () => project.taken("moreSink") > 100);
    await project.down();
  });
});

Deno.test("bad usage is exit 2 and says what was meant; help is none, for people and for programs", async () => {
  await using project = await Project.make();
  const wrong = [["frobnicate"], ["check", "--frobnicate"], ["apply"], ["wal", "frobnicate"], ["help", "frobnicate"]];
  for (const args of [...wrong, ["check", "--json=1"], ["plan", "--key=a", "--key=b"]]) await project.exits(2, ...args);
  assertEquals((await project.refuses(2, "check", "--json=1"))[0]?.code, "usage");
  assertMatch((await project.refuses(2, "chek"))[0]?.remedy ?? "", /did you mean `check`\?/);
  assertMatch((await project.refuses(2, "explain", "laod"))[0]?.remedy ?? "", /did you mean `load`\?/);
  assertEquals((await project.refuses(2, "sign"))[0]?.code, "sign.nothing");

  assertStringIncludes((await run("help")).stdout, "rollback");
  for (const args of [["help", "--json"], ["--help", "--json"], ["--json"]]) {
    const { commands } = JSON.parse((await run(...args)).stdout);
    assert(commands.length > 15 && commands.every(({ summary }: { summary: string }) => summary.length > 0));
  }
  for (const args of [["help", "plan", "--json"], ["plan", "--help", "--json"]]) {
    const { commands: [plan, ...others] } = JSON.parse((await run(...args)).stdout);
    assertEquals([plan.name, others.length], ["plan", 0]);
    assert(plan.options.some(({ name }: { name: string }) => name === "facts"));
  }
});

/** Without a project. */
async function run(...args: readonly string[]): Promise<Run> {
  const ended = await output(new Deno.Command(RTT, { args: [...args], stdout: "piped", stderr: "piped" }).spawn());
  assertEquals(ended.code, 0, `rtt ${args.join(" ")}\n${ended.stdout}${ended.stderr}`);
  return ended;
}

Deno.test("show says who granted a plan and until when, and whether this project believes it", async () => {
  await using project = await Project.signed();
  const plan = await project.plan("--no-sign");
  assertStringIncludes(await project.succeed("show", plan), "nobody has granted it");
  await project.succeed("sign", plan);
  const { id, grants: [grant] } = await project.json<{ id: string; grants: ShownGrant[] }>("show", plan);
  assertEquals(plan.includes(id), true);
  const { keys } = await project.json<{ keys: { id: string }[] }>("keys", "list");
  assertEquals([grant?.keys, grant?.serial, grant?.refused], [keys.map((each) => each.id), 1, null]);
  const hours = (Date.parse(grant?.until ?? "") - Date.now()) / 3_600_000;
  assert(hours > 23 && hours <= 24, grant?.until);
  assertStringIncludes(
    await project.succeed("show", plan),
    `granted by ${keys[0]?.id.slice(0, 16)} until ${grant?.until}`,
  );
  await project.succeed("keys", "revoke", keys[0]?.id ?? "");
  assertMatch(await project.succeed("show", plan), /not believed here: .* is revoked/);
});

interface ShownGrant {
  readonly keys: readonly string[];
  readonly serial: number;
  readonly until: string;
  readonly refused: string | null;
}
