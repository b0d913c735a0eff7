/**
 * Bad input, word for word: each folder of `config/` is a project, and `expected.txt` is what `rtt check` says of it.
 * After a change of the words, `RTT_GOLDEN=write deno test -A tests/golden/config.test.ts` writes them anew, for review.
 */
import { assertEquals } from "@std/assert";
import { cueValidator } from "../../cli/adapters/cue.ts";
import { problemText } from "../../cli/output.ts";
import { readPart } from "../../cli/parts.ts";
import { checkFiles } from "../../cli/project/check.ts";
import { hasFileIn, readProject } from "../../cli/project/project.ts";
import { CODES } from "../../core/codes.ts";
import type { Issue } from "../../core/errors.ts";

const CASES = `${import.meta.dirname}/config`;
const WRITE = Deno.env.get("RTT_GOLDEN") === "write";
const validator = cueValidator(() => readPart("cue.wasm"));
/** The words must not depend on what is installed where the test runs. */
const PROGRAMS = new Set(["/usr/bin/python3", "/usr/bin/mawk"]);

async function issuesOf(dir: string): Promise<readonly Issue[]> {
  const files = readProject(dir);
  if (!files.ok) return files.issues;
  const inProject = hasFileIn(dir);
  const checked = await checkFiles(
    files.value,
    validator,
    (path) => path.startsWith("/") ? PROGRAMS.has(path) : inProject(path),
  );
  return checked.ok ? [] : checked.issues;
}

for (const { name } of [...Deno.readDirSync(CASES)].sort((one, other) => one.name < other.name ? -1 : 1)) {
  Deno.test(`config: ${name}`, async () => {
    const dir = `${CASES}/${name}`;
    const issues = await issuesOf(dir);
    const said = issues.length === 0 ? "no issue\n" : issues.map((each) => `${problemText(each)}\n`).join("\n");
    if (WRITE) Deno.writeTextFileSync(`${dir}/expected.txt`, said);
    assertEquals(said, Deno.readTextFileSync(`${dir}/expected.txt`));
    for (const { code, where } of issues) {
      assertEquals(CODES[code] === undefined, false, `${code} is not in core/codes.ts`);
      // A place, and one in a file that the user wrote.
      assertEquals(where !== null && Deno.statSync(`${dir}/${where.file}`).isFile, true, `${code} has no place`);
    }
  });
}
