/** One declaration, one plan: in whatever folder, files and order it is written. */
import { assertEquals, assertMatch } from "@std/assert";
import { type Random } from "../fakes/random.ts";
import { Project } from "./project.ts";
import { seeded } from "./random.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;
const SHUFFLES = 3;

for (const name of ["cart-pole", "host-metrics"]) {
  Deno.test(`the plan of ${name} has one id, on clones with their declarations cut up and shuffled`, async () => {
    const random = seeded("tests/e2e/same_plan.test.ts");
    await using original = await Project.copied(`${EXAMPLES}${name}`);
    const wanted = await idOf(original);
    assertMatch(wanted, /^[0-9a-f]{64}$/);
    for (let at = 0; at < SHUFFLES; at++) {
      await using clone = await Project.copied(`${EXAMPLES}${name}`);
      shuffle(clone, random);
      assertEquals(await idOf(clone), wanted);
    }
  });
}

async function idOf(project: Project): Promise<string> {
  await project.succeed("render");
  return (await project.json<{ id: string }>("plan", "--no-sign")).id;
}

/** Takes all declarations out of their files, cuts up those that have several fields, and deals them to new files. */
function shuffle(project: Project, random: Random): void {
  const names = [...Deno.readDirSync(project.dir)].map((each) => each.name).filter((each) => each.endsWith(".cue"))
    .sort();
  const texts = names.map((each) => Deno.readTextFileSync(project.path(each)));
  for (const each of names) Deno.removeSync(project.path(each));
  const lines = texts.flatMap((text) => text.split("\n")).filter((line) => !/^(package|import) /.test(line));
  const hands: string[][] = Array.from({ length: 1 + random.below(5) }, () => []);
  for (const each of shuffled(declarations(lines), random)) random.pick(hands)?.push(...cutUp(each, random));
  for (const [at, hand] of hands.entries()) {
    const body = hand.join("\n");
    const imports = body.includes("rtt.#") ? 'import "rtt.local/rtt"\n' : "";
    project.write(`${random.below(1_000)}-${at}.cue`, `package panel\n${imports}${body}\n`);
  }
}

/** Runs of lines in which every bracket is closed, each with the comments above it. */
function declarations(lines: readonly string[]): readonly (readonly string[])[] {
  const found: string[][] = [[]];
  let depth = 0;
  for (const line of lines) {
    found.at(-1)?.push(line);
    const code = line.replace(/"(?:\\.|[^"\\])*"/g, "").replace(/\/\/.*/, "").trim();
    depth += code.replace(/[^[{(]/g, "").length - code.replace(/[^\]})]/g, "").length;
    if (depth === 0 && code !== "") found.push([]);
  }
  return found.filter((each) => each.some((line) => line.trim() !== ""));
}

/** `a: {b, c}` as `a: {c}` and `a: {b}`; what has no fields of its own is left whole. */
function cutUp(declaration: readonly string[], random: Random): readonly string[] {
  const head = declaration.findIndex((line) => line.endsWith("{"));
  const first = declaration[head];
  if (first === undefined || declaration.at(-1)?.trim() !== "}") return declaration;
  const fields = shuffled(declarations(declaration.slice(head + 1, -1)), random);
  const middle = random.below(fields.length + 1);
  const halves = [fields.slice(0, middle), fields.slice(middle)].filter((each) => each.length > 0);
  return halves.flatMap((half) => [first, ...half.flatMap((each) => cutUp(each, random)), "}"]);
}

function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  return items.map((each) => [random.next(), each] as const).sort(([one], [other]) => one - other).map(([, each]) =>
    each
  );
}
