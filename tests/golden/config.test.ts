/**
 * Bad input, word for word: each folder of `config/` is a project, and `expected.txt` is what `rtt check` says of it.
 * After a change of the words, `RTT_GOLDEN=write deno test -A tests/golden/config.test.ts` writes them anew, for review.
 */
import { assertEquals } from "@std/assert";
import { cueValidator } from "../../cli/adapters/cue.ts";
import { problemText } from "../../cli/output.ts";
import { readPart } from "../../cli/parts.ts";
import { checkFiles, checkProject } from "../../cli/project/check.ts";
import { kindIn } from "../../cli/project/project.ts";
import { CODES } from "../../core/codes.ts";
import type { Issue } from "../../core/errors.ts";
import type { FileKind, KindOf } from "../../core/model/crosscheck_files.ts";

const CASES = `${import.meta.dirname}/config`;
const WRITE = Deno.env.get("RTT_GOLDEN") === "write";
const validator = cueValidator(() => readPart("cue.wasm"));
/** The words must not depend on what is installed where the test runs. */
const HOST: ReadonlyMap<string, FileKind> = new Map([
  ["/usr/bin/python3", "file"],
  ["/usr/bin/mawk", "file"],
  ["/proc/stat", "file"],
  ["/proc/sys", "folder"],
  ["/dev/ttyUSB0", "device"],
  ["/tmp", "folder"],
  ["/run/bus", "other"],
]);

async function issuesOf(dir: string): Promise<readonly Issue[]> {
  const inProject = kindIn(dir);
  const kindOf: KindOf = (path) => path.startsWith("/") ? HOST.get(path) : inProject(path);
  const checked = await checkProject(dir, validator, kindOf);
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

Deno.test("more issues than anybody reads at once: the first ones, and how many more there are", async () => {
  const fields = Array.from({ length: 300 }, (_, at) => `panel: x${at}: 1`);
  const text = ["package panel", 'panel: name: "cell7"', ...fields].join("\n");
  const checked = await checkFiles(new Map([["panel.cue", text]]), validator);
  const issues = checked.ok ? [] : checked.issues;
  assertEquals(issues.length, 201);
  assertEquals(issues.slice(0, 200).every((each) => each.code === "config.unknown"), true);
  const { code, message, where } = issues[200] ?? {};
  assertEquals([code, where?.line], ["config.more", 203]);
  assertEquals(message, "cannot use the project because 100 issues more were found than are shown");
});
