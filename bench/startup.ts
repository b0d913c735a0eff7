/** What a command costs before it does anything: against the empty program, compiled in the same way. */
import { inScratch, interleaved, run } from "./measure.ts";
import { demoProject } from "./projects.ts";
import { absolute, type Bench, compared, type Row } from "./row.ts";

const ROUNDS = 15;
const ROOT = new URL("../", import.meta.url).pathname;
const RTT = `${ROOT}dist/rtt`;

/** `deno compile` of a program that does nothing, with the flags of the real one. */
async function compileEmpty(folder: string): Promise<string> {
  Deno.writeTextFileSync(`${folder}/main.ts`, "Deno.exit(0);\n");
  Deno.writeTextFileSync(`${folder}/deno.json`, "{}\n");
  await run("deno", ["compile", "--quiet", "--no-code-cache", "--output", `${folder}/empty`, "main.ts"], folder);
  return `${folder}/empty`;
}

export const startup: Bench = {
  name: "startup",
  says: "rtt --version and rtt check of the demo, cold processes",
  run: () =>
    inScratch(async (folder): Promise<readonly Row[]> => {
      const empty = await compileEmpty(folder);
      const project = demoProject(folder);
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
        compared("rtt check of the demo", "ms", {
          value: check,
          reference: none,
          against: "empty compiled program",
          mark: "<= 1000 ms",
        }),
        absolute("size of dist/rtt", "MB", Deno.statSync(RTT).size / 1e6),
      ];
    }),
};
