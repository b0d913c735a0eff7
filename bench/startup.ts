/** What a command costs before it does anything: against the empty program, compiled in the same way. */
import { inScratch, interleaved, run } from "./measure.ts";
import { absolute, type Bench, compared, type Row } from "./row.ts";

const ROUNDS = 15;
const ROOT = new URL("../", import.meta.url).pathname;
const RTT = `${ROOT}dist/rtt`;
const PROJECT = `${ROOT}examples/cart-pole`;

/** `deno compile` of a program that does nothing, with the flags of the real one. */
async function compileEmpty(folder: string): Promise<string> {
  Deno.writeTextFileSync(`${folder}/main.ts`, "Deno.exit(0);\n");
  Deno.writeTextFileSync(`${folder}/deno.json`, "{}\n");
  await run("deno", ["compile", "--quiet", "--no-code-cache", "--output", `${folder}/empty`, "main.ts"], folder);
  return `${folder}/empty`;
}

/** A copy, so that a check writes nothing into the project of the repository. */
async function copyProject(folder: string): Promise<string> {
  await run("cp", ["-r", PROJECT, `${folder}/project`]);
  return `${folder}/project`;
}

export const startup: Bench = {
  name: "startup",
  says: "rtt --version and rtt check of examples/cart-pole, cold processes",
  run: () =>
    inScratch(async (folder): Promise<readonly Row[]> => {
      const empty = await compileEmpty(folder);
      const project = await copyProject(folder);
      const [none = 0, version = 0, check = 0] = await interleaved([
        () => run(empty, []),
        () => run(RTT, ["--version"]),
        () => run(RTT, ["check", "--dir", project]),
      ], ROUNDS);
      return [
        compared("rtt --version", "ms", {
          value: version,
          reference: none,
          against: "empty compiled program",
          mark: "<= 1.3x",
        }),
        compared("rtt check, cart-pole", "ms", {
          value: check,
          reference: none,
          against: "empty compiled program",
          mark: "<= 1 s",
        }),
        absolute("size of dist/rtt", "MB", Deno.statSync(RTT).size / 1e6),
      ];
    }),
};
