/** A project's folder: made, rendered, compared with its mirrors, and hashed with all that its drivers run. */
import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { openCrypto } from "../../cli/adapters/crypto.ts";
import { cueValidator } from "../../cli/adapters/cue.ts";
import { layout } from "../../cli/layout.ts";
import { readPart } from "../../cli/parts.ts";
import { type Checked, checkProject } from "../../cli/project/check.ts";
import { closureOf, readClosureFile } from "../../cli/project/closure.ts";
import { initProject } from "../../cli/project/init.ts";
import { programInterpreter } from "../../cli/project/interpreter.ts";
import { compareMirrors, mirrorIssues } from "../../cli/project/mirrors.ts";
import { renderProject } from "../../cli/project/render.ts";
import { PANEL_CUE } from "../../cli/project/scaffold.ts";
import type { Result } from "../../core/errors.ts";
import type { Driver } from "../../core/model/config.ts";

const validator = cueValidator(() => readPart("cue.wasm"));
const DRIVERS = new TextEncoder().encode("the built-in drivers");

function temporary(): { readonly dir: string } & Disposable {
  const dir = Deno.makeTempDirSync({ prefix: "rtt-project-" });
  return { dir, [Symbol.dispose]: () => Deno.removeSync(dir, { recursive: true }) };
}

async function fresh(dir: string): Promise<Checked> {
  demand(await initProject(dir, validator));
  return demand(await checkProject(dir, validator));
}

function demand<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.issues.map((each) => each.message).join("\n"));
  return result.value;
}

function codes(result: Result<unknown>): readonly string[] {
  return result.ok ? [] : result.issues.map((each) => each.code);
}

Deno.test("init makes a project that passes check, and never writes over anything", async () => {
  using place = temporary();
  const dir = `${place.dir}/new`;
  const checked = await fresh(dir);
  assertEquals([...checked.config.drivers.keys(), ...checked.config.routes.keys()], ["gen", "sink", "load"]);
  const before = Deno.readTextFileSync(`${dir}/panel.cue`);
  assertEquals(new Set(codes(await initProject(dir, validator))), new Set(["init.exists"]));
  assertEquals(Deno.readTextFileSync(`${dir}/panel.cue`), before);
  // Any CUE in the way is enough, and then nothing at all is written.
  Deno.mkdirSync(`${place.dir}/other`);
  Deno.writeTextFileSync(`${place.dir}/other/mine.cue`, "package panel\n");
  assertEquals(codes(await initProject(`${place.dir}/other`, validator)), ["init.exists"]);
  assertEquals([...Deno.readDirSync(`${place.dir}/other`)].map((each) => each.name), ["mine.cue"]);
});

Deno.test("a pipe that is named like a CUE file is refused, and nobody waits for it", async () => {
  using place = temporary();
  await fresh(place.dir);
  assertEquals((await new Deno.Command("mkfifo", { args: [`${place.dir}/pipe.cue`] }).output()).success, true);
  const refused = await checkProject(place.dir, validator);
  assertEquals(refused.ok ? [] : refused.issues.map((each) => [each.code, each.where?.file]), [
    ["config.read", "pipe.cue"],
  ]);
});

Deno.test("init leaves a .gitignore as it is", async () => {
  using place = temporary();
  Deno.writeTextFileSync(`${place.dir}/.gitignore`, "mine\n");
  demand(await initProject(place.dir, validator));
  assertEquals(Deno.readTextFileSync(`${place.dir}/.gitignore`), "mine\n");
});

Deno.test("render writes what has changed and nothing else", async () => {
  using place = temporary();
  const at = layout(place.dir);
  const checked = await fresh(place.dir);
  const mirrors = [".rtt/panel.yaml", ".rtt/routes.json", "manifests/gen.json", "manifests/sink.json", "policy.json"];
  assertEquals(
    compareMirrors(checked, at).map((each) => `${each.kind} ${each.file}`),
    mirrors.map((each) => `missing ${each}`),
  );
  assertEquals(renderProject(checked, at).written, mirrors);
  assertEquals(compareMirrors(checked, at), []);
  const untouched = Deno.statSync(at.policy).ino;
  assertEquals(renderProject(checked, at).written, []);
  assertEquals(Deno.statSync(at.policy).ino, untouched);

  const text = Deno.readTextFileSync(`${place.dir}/panel.cue`);
  Deno.writeTextFileSync(`${place.dir}/panel.cue`, text.replace('"20ms"', '"30ms"'));
  const changed = demand(await checkProject(place.dir, validator));
  assertEquals(renderProject(changed, at).written, [".rtt/routes.json"]);
});

Deno.test("a driver that is gone takes its manifest and its signature with it", async () => {
  using place = temporary();
  const at = layout(place.dir);
  const checked = await fresh(place.dir);
  renderProject(checked, at);
  Deno.copyFileSync(`${at.manifests}/gen.json`, `${at.manifests}/old.json`);
  Deno.writeTextFileSync(`${at.manifests}/old.json.sig`, "{}");
  assertEquals(compareMirrors(checked, at).map((each) => [each.kind, each.file]), [["left", "manifests/old.json"]]);
  assertEquals(renderProject(checked, at).removed, ["manifests/old.json", "manifests/old.json.sig"]);
  assertEquals(compareMirrors(checked, at), []);
});

Deno.test("a mirror that says something else is shown with file and path", async () => {
  using place = temporary();
  const at = layout(place.dir);
  const checked = await fresh(place.dir);
  renderProject(checked, at);
  const edit = (path: string, from: string, to: string) =>
    Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replace(from, to));
  edit(at.routesMirror, '"p99":"20ms"', '"p99":"90ms"');
  edit(at.panelMirror, "cpu: any", "cpu: pinned");
  edit(at.policy, '"strict":true', '"strict":false');
  edit(`${at.manifests}/gen.json`, '"network":false', '"network":true,"nonsense":1');
  assertEquals(compareMirrors(checked, at), [
    { file: ".rtt/panel.yaml", kind: "differs", path: "drivers.gen.cpu", cue: '"any"', mirror: '"pinned"' },
    { file: ".rtt/routes.json", kind: "differs", path: "load.p99", cue: '"20ms"', mirror: '"90ms"' },
    { file: "manifests/gen.json", kind: "differs", path: "network", cue: "false", mirror: "true" },
    { file: "manifests/gen.json", kind: "differs", path: "nonsense", cue: null, mirror: "1" },
    { file: "policy.json", kind: "differs", path: "strict", cue: "true", mirror: "false" },
  ]);
  assertEquals(
    mirrorIssues(compareMirrors(checked, at), checked.places).map((each) => each.message).at(1),
    'cannot trust `.rtt/routes.json` because CUE has "20ms" for `load.p99` and the file has "90ms"',
  );
  // Each has the place of what it is made from: the value, or what that is a part of.
  const line = (wanted: string) => PANEL_CUE.split("\n").findIndex((each) => each.includes(wanted)) + 1;
  const [gen, load, policy] = [line('["rtt:gen"'), line('"20ms"'), line("policy:")];
  const where = mirrorIssues(compareMirrors(checked, at), checked.places).map((each) => each.where);
  assertEquals(
    where.map((each) => [each?.file, each?.line]),
    [gen, load, gen, gen, policy].map((each) => ["panel.cue", each]),
  );
});

Deno.test("a mirror in other bytes, cut short or no text at all is no mirror", async () => {
  using place = temporary();
  const at = layout(place.dir);
  const checked = await fresh(place.dir);
  for (const spoil of [" {}\n", "{", "", "\xff\xfe"]) {
    renderProject(checked, at);
    const whole = Deno.readTextFileSync(at.policy);
    Deno.writeFileSync(
      at.policy,
      Uint8Array.from(spoil === " {}\n" ? whole + "\n" : spoil, (char) => char.charCodeAt(0)),
    );
    const found = compareMirrors(checked, at);
    assertEquals(found.map((each) => [each.file, each.kind]), [["policy.json", "broken"]], JSON.stringify(spoil));
    assertEquals(mirrorIssues(found, checked.places).map((each) => each.code), ["mirror.broken"]);
  }
});

Deno.test("the copy of the schema is a mirror as well", async () => {
  using place = temporary();
  const at = layout(place.dir);
  const checked = await fresh(place.dir);
  renderProject(checked, at);
  const copy = "cue.mod/pkg/rtt.local/rtt/schema.cue";
  Deno.writeTextFileSync(`${place.dir}/${copy}`, "package rtt\n");
  assertEquals(compareMirrors(checked, at).map((each) => each.file), [copy]);
  assertEquals(renderProject(checked, at).written, [copy]);
  assertEquals(compareMirrors(checked, at), []);
});

/** A driver of a project that runs these words. */
async function driverOf(dir: string, run: readonly string[], more = ""): Promise<Driver> {
  const cue = `package panel
panel: name: "cell1"
contracts: load: version: "1.0.0"
drivers: one: {run: ${JSON.stringify(run)}, in: load: "load@^1.0", ${more}}
`;
  const { checkFiles } = await import("../../cli/project/check.ts");
  const { config } = demand(await checkFiles(new Map([["panel.cue", cue]]), validator));
  const [driver] = config.drivers.values();
  if (!driver) throw new Error(`no driver in ${dir}`);
  return driver;
}

Deno.test("a closure is what a driver runs, by content", async () => {
  using place = temporary();
  const { hasher } = openCrypto();
  const context = { dir: place.dir, drivers: DRIVERS, hasher };
  const write = (path: string, text: string) => Deno.writeTextFileSync(`${place.dir}/${path}`, text);
  write("filter.sh", "#!/bin/sh\nexec cat\n");
  write("model.bin", "weights");
  Deno.chmodSync(`${place.dir}/filter.sh`, 0o755);

  const builtIn = demand(closureOf(await driverOf(place.dir, ["rtt:gen"]), context));
  assertEquals(builtIn.files.map((each) => [each.path, each.executable]), [["rtt:drivers", true]]);
  assertEquals(builtIn.files[0]?.hash, hasher.sha256(DRIVERS));

  const script = await driverOf(place.dir, ["./filter.sh", "--fast"], 'speaks: "stdio", closure: ["model.bin"]');
  const first = demand(closureOf(script, context));
  const paths = first.files.map((each) => each.path);
  assertEquals(["/bin/sh", "filter.sh", "model.bin", "rtt:drivers"].filter((each) => !paths.includes(each)), []);
  assertEquals(paths, [...paths].sort());
  for (const { path, hash } of first.files) assertEquals(hasher.sha256(readClosureFile(path, context)), hash);
  // The loader of the interpreter is in it too, unless that is a static program.
  const loader = programInterpreter(Deno.readFileSync("/bin/sh"))?.path;
  if (loader !== undefined) assertEquals(paths.includes(loader), true, loader);

  write("model.bin", "other weights");
  assertNotEquals(demand(closureOf(script, context)).hash, first.hash);
  write("model.bin", "weights");
  assertEquals(demand(closureOf(script, context)).hash, first.hash);
  Deno.chmodSync(`${place.dir}/filter.sh`, 0o644);
  assertNotEquals(demand(closureOf(script, context)).hash, first.hash);
});

Deno.test("a program that is named alone is looked for in fixed folders, and found with its interpreter", async () => {
  using place = temporary();
  const context = { dir: place.dir, drivers: DRIVERS, hasher: openCrypto().hasher };
  Deno.writeTextFileSync(`${place.dir}/run.sh`, "#!/usr/bin/env sh\n");
  const viaEnv = demand(closureOf(await driverOf(place.dir, ["sh", "run.sh"]), context));
  assertEquals(viaEnv.files.some((each) => /^\/(usr\/)?bin\/sh$/.test(each.path)), true);
  assertEquals(viaEnv.files.some((each) => each.path === "run.sh"), true);
  const direct = demand(closureOf(await driverOf(place.dir, ["./run.sh"]), context));
  assertEquals(direct.files.some((each) => each.path === "/usr/bin/env"), true);
});

Deno.test("a file of the host that an argument names is part of what runs, one that the driver may write is not", async () => {
  using place = temporary();
  using host = temporary();
  const context = { dir: place.dir, drivers: DRIVERS, hasher: openCrypto().hasher };
  const script = `${host.dir}/arg.sh`;
  const granted = (access: string) =>
    driverOf(place.dir, ["sh", script], `files: ${JSON.stringify(script)}: "${access}"`);
  const paths = async (driver: Promise<Driver>) =>
    demand(closureOf(await driver, context)).files.map((each) => each.path);
  Deno.writeTextFileSync(script, "exec cat\n");
  assertEquals((await paths(granted("r"))).includes(script), true);
  assertEquals((await paths(driverOf(place.dir, ["sh", script]))).includes(script), true);
  assertEquals((await paths(granted("rw"))).includes(script), false);
  assertEquals((await paths(driverOf(place.dir, ["cat", "/proc/stat"]))).includes("/proc/stat"), false);
  const before = demand(closureOf(await granted("r"), context)).hash;
  Deno.writeTextFileSync(script, "exec tac\n");
  assertNotEquals(demand(closureOf(await granted("r"), context)).hash, before);
  const climbs = driverOf(place.dir, ["sh", `${host.dir}/../${host.dir.split("/").at(-1)}/arg.sh`]);
  assertEquals(codes(closureOf(await climbs, context)), ["driver.path"]);
});

Deno.test("what can't be read, or leads out of the project, makes no closure and has its place", async () => {
  using place = temporary();
  const context = { dir: place.dir, drivers: DRIVERS, hasher: openCrypto().hasher };
  Deno.symlinkSync("/etc/hostname", `${place.dir}/link.py`);
  Deno.writeTextFileSync(`${place.dir}/loop.sh`, "#!./loop.sh\n");
  for (
    const [run, more] of [
      [["./missing"], ""],
      [["/opt/none/such"], ""],
      [["no-such-program-anywhere"], ""],
      [["sh"], 'closure: ["gone.py"]'],
      [["sh"], 'closure: ["link.py"]'],
      [["./loop.sh"], ""],
      [["/dev/zero"], ""],
    ] as const
  ) {
    const refused = closureOf(await driverOf(place.dir, run, more), context);
    assertEquals(codes(refused), ["driver.files"], run[0]);
    assertEquals(refused.ok ? null : refused.issues[0]?.where, { file: "panel.cue", line: 4, column: 10 });
  }
});

Deno.test("looking for an interpreter survives any bytes", () => {
  const elf = Deno.readFileSync("/bin/sh").subarray(0, 4096);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void programInterpreter(bytes)));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 20 }), fc.nat(4096), (flips, length) => {
      const damaged = elf.slice(0, length);
      for (const [at, byte] of flips) if (at < damaged.length) damaged[at] = byte;
      programInterpreter(damaged);
    }),
    { numRuns: 1_000 },
  );
  assertEquals(programInterpreter(new TextEncoder().encode("#!/usr/bin/env -S python3 -u\n")), {
    path: "/usr/bin/env",
    looksUp: "python3",
  });
  assertEquals(programInterpreter(new TextEncoder().encode("#!\n")), undefined);
});
