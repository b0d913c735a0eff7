// The shape of the project, held by a test: what may import what, how long a file may be, what may not be written, and
// that each dependency is accounted for. Each check is shown a project that breaks it before it is believed.
import { assert, assertEquals } from "@std/assert";
import { CODES } from "../../core/codes.ts";
import {
  cargoDependencies,
  denoDependencies,
  type Dependency,
  goDependencies,
  importsOf,
  readProject,
  resolve,
  type Source,
} from "./project.ts";
import rules from "./rules.json" with { type: "json" };

const root = new URL("../../", import.meta.url);
const generated = new RegExp(rules.generatedFiles);
const isTest = (path: string): boolean => /[._]test[.]ts$/.test(path);

function layerBreaks(sources: readonly Source[]): string[] {
  const typescript = sources.filter((source) => source.path.endsWith(".ts") && !source.path.endsWith(".d.ts"));
  return typescript.flatMap((source) => {
    const layer = rules.layers.find((candidate) => source.path.startsWith(candidate.folder));
    if (layer === undefined) return [`${source.path}: no layer of tests/architecture/rules.json has this file`];
    const packages = [...layer.packages, ...(isTest(source.path) ? rules.unitTestPackages : [])];
    const folders = [...layer.mayImport, ...(isTest(source.path) ? rules.unitTestFolders : [])];
    return importsOf(source).flatMap((specifier) => {
      const path = resolve(source.path, specifier);
      const allowed = path === undefined
        ? packages.some((name) =>
          specifier === name || (/[/:]$/.test(name) && specifier.startsWith(name)) || specifier.startsWith(`${name}/`)
        )
        : folders.some((folder) => path.startsWith(folder));
      return allowed ? [] : [`${source.path}: may not import ${specifier}`];
    });
  });
}

function longFiles(sources: readonly Source[]): string[] {
  return sources
    .filter((source) => !generated.test(source.path))
    .filter((source) => rules.measuredEndings.some((ending) => source.path.endsWith(ending)))
    .map((source) => ({ path: source.path, lines: source.text.split("\n").length - 1 }))
    .filter((file) => file.lines > rules.fileLines)
    .map((file) => `${file.path}: ${file.lines} lines, ${rules.fileLines} is the limit`);
}

function forbiddenWords(sources: readonly Source[]): string[] {
  const patterns = rules.words.map((word) => ({ why: word.why, pattern: new RegExp(word.pattern) }));
  return sources.filter((source) => !rules.wordsExempt.includes(source.path)).flatMap((source) =>
    source.text.split("\n").flatMap((line, index) =>
      patterns.filter(({ pattern }) => pattern.test(line)).map(({ pattern, why }) =>
        `${source.path}:${index + 1}: ${pattern.exec(line)?.[0]}: ${why}`
      )
    )
  );
}

function undocumented(dependencies: readonly Dependency[], document: string): string[] {
  return dependencies
    .filter((dependency) => !document.includes(`\`${dependency.name}\``))
    .map((dependency) => `${dependency.name} of ${dependency.where}: no line in docs/dependencies.md`);
}

function dependenciesOf(sources: readonly Source[]): Dependency[] {
  return sources.flatMap((source) => {
    if (source.path.endsWith("Cargo.toml")) return cargoDependencies(source);
    if (source.path.endsWith("go.mod")) return goDependencies(source);
    if (source.path === "deno.json" || source.path.startsWith("tools/std/")) return denoDependencies(source);
    return [];
  });
}

/** deno.json must pin each package to one exact version. */
const looseVersions = (text: string): string[] =>
  [...text.matchAll(/"((?:npm|jsr):[^"]+)"/g)].map((match) => match[1] ?? "")
    .filter((specifier) => !/@\d+\.\d+\.\d+(\/|$)/.test(specifier));

/** What is written as the code of an issue: `issue("a.b"`, `say("b"`, or a template of which the end is known. */
function codesIn(sources: readonly Source[]): string[] {
  const written = /\b(?:issue|refuse|fault|bad)\(\s*(?:"([a-z][\w.]*)"|`\$\{\w+\}(\.[\w.]+)`)/g;
  const passed = /parseCanonical\([^,]+,\s*(?:"[^"]*"|`[^`]*`|\w+),\s*"([a-z]+\.[\w.]+)"/g;
  return sources.flatMap(({ text }) => [
    ...[...text.matchAll(written)].map((match) => match[1] ?? `*${match[2]}`),
    ...[...text.matchAll(passed)].map((match) => match[1] ?? ""),
  ]);
}

/** Codes that core/codes.ts does not list. A template stands for each role. */
function unlisted(sources: readonly Source[]): string[] {
  const meant = codesIn(sources).flatMap((code) =>
    code.startsWith("*") ? ["manifest", "policy"].map((role) => role + code.slice(1)) : [code]
  );
  return [...new Set(meant)].filter((code) => !Object.hasOwn(CODES, code)).sort();
}

const file = (path: string, text: string): Source => ({ path, text });

Deno.test("imports go one way", () => {
  const breaks = [
    file("core/plan/x.ts", 'import { a } from "../../cli/main.ts";'),
    file("core/plan/x.ts", 'import highs from "highs";'),
    file("core/plan/x.ts", 'const a = await import("../../ffi/mod.ts");'),
    file("core/plan/x.ts", 'export * from "../../wasm/mod.ts";'),
    file("core/plan/x.ts", 'import {\n  a,\n} from "node:fs";'),
    file("ffi/mod.ts", 'import { a } from "../cli/main.ts";'),
    file("wasm/mod.ts", 'import { a } from "../ffi/mod.ts";'),
    file("cli/adapters/a.ts", 'import { a } from "../panel/loop.ts";'),
    file("cli/project/a.ts", 'import { a } from "../panel/loop.ts";'),
    file("cli/main.ts", 'import { a } from "../tests/x.ts";'),
    file("core/x.ts", 'import "../cli/main.ts";'),
    file("core/x.ts", 'import a from "../bench/a.json" with { type: "json" };'),
    file("somewhere/x.ts", ""),
  ];
  for (const source of breaks) assertEquals(layerBreaks([source]).length, 1, `${source.path} ${source.text}`);
  assertEquals(layerBreaks([file("core/a_test.ts", 'import { assert } from "@std/assert";')]), []);
  assertEquals(layerBreaks([file("cli/a.ts", 'const CUE = `\nimport "rtt.local/rtt"\n`;')]), []);
  const sources = readProject(root, [".ts"]);
  assert(sources.length > 0);
  assertEquals(layerBreaks(sources), []);
});

Deno.test("every code of an issue is listed with its exit code", () => {
  const broken = file(
    "core/a.ts",
    'refuse(issue(\n  "no.such",\n  `x`)); issue(`${role}.nonesuch`, ""); issue("usage", "")',
  );
  assertEquals(unlisted([broken]), ["manifest.nonesuch", "no.such", "policy.nonesuch"]);
  const sources = readProject(root, [".ts"]).filter(({ path }) =>
    /^(core|cli|ffi|wasm|cue)\//.test(path) && !isTest(path)
  );
  assert(codesIn(sources).length > 100);
  assertEquals(unlisted(sources), []);
});

Deno.test("no file is too long", () => {
  assertEquals(longFiles([file("a.ts", "\n".repeat(400))]), []);
  assertEquals(longFiles([file("a.rs", "\n".repeat(401))]).length, 1);
  assertEquals(longFiles(readProject(root, rules.measuredEndings)), []);
});

Deno.test("nothing is written that does not belong in the project", () => {
  const breaks = [
    ["https://registry", "npmjs", "org/x"].join("."),
    ["pypi", "org"].join("."),
    "// TODO: later",
    "// @ts-ignore",
    "#[ignore]",
    "{ ignore: true }",
  ];
  for (const text of breaks) assertEquals(forbiddenWords([file("a.ts", `\n${text}\n`)]).length, 1, text);
  // A lock file of cargo names its registry's index, which is an identifier and no place that is fetched from.
  const sources = readProject(root, rules.wordsEndings).filter((source) => !source.path.endsWith("Cargo.lock"));
  assertEquals(forbiddenWords(sources), []);
});

Deno.test("every dependency is exact and has its line in docs/dependencies.md", () => {
  const cargo = file(
    "a/Cargo.toml",
    '[dependencies]\na-b = "1"\nours = { path = "../x" }\n[profile.x]\nz = 1\n[dev-dependencies.c]\n',
  );
  assertEquals(cargoDependencies(cargo).map((found) => found.name), ["a-b", "c"]);
  const go = file(
    "cue/go.mod",
    "module x\nrequire a.org/b v1.2.3\nrequire (\n\tc.org/d/v2 v2.0.0\n\te.org/f v1.0.0 // indirect\n)\n",
  );
  assertEquals(goDependencies(go).map((found) => found.name), ["a.org/b", "c.org/d/v2"]);
  assertEquals(looseVersions('"npm:a@1.2.3" "npm:b@^1.2.3" "npm:c" "jsr:@s/d@1.0.0/e"'), ["npm:b@^1.2.3", "npm:c"]);
  assertEquals(undocumented([{ name: "a-b", where: "x" }], "| `a` |").length, 1);

  assertEquals(looseVersions(Deno.readTextFileSync(new URL("deno.json", root))), []);
  const dependencies = dependenciesOf(readProject(root, [".toml", "go.mod", ".json", ".ts", "cue/go.mod"]));
  assert(dependencies.length > 0);
  assertEquals(undocumented(dependencies, Deno.readTextFileSync(new URL("docs/dependencies.md", root))), []);
});
