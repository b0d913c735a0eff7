/** `rtt init`: a project that passes `rtt check`, written where nothing is yet. */
import { issue, ok, refuse, type Result } from "../../core/errors.ts";
import type { CueValidator } from "../adapters/cue.ts";
import { writeOutput, writeWhole } from "../files.ts";
import { MODULE_FILE, SCHEMA_COPY } from "./project.ts";
import { GITIGNORE, MODULE_CUE, PANEL_CUE } from "./scaffold.ts";

/** Paths that were written, relative to `dir`. With any CUE there, nothing is written; a `.gitignore` is left as it is. */
export async function initProject(dir: string, validator: CueValidator): Promise<Result<readonly string[]>> {
  const { schema } = await validator.evaluateAll(new Map());
  const files = new Map([
    ["panel.cue", PANEL_CUE],
    [MODULE_FILE, MODULE_CUE],
    [SCHEMA_COPY, schema],
  ]);
  const inTheWay = writeOutput(dir, "a project to", () => [
    ...cueFilesIn(dir),
    ...[...files.keys()].filter((path) => isThere(`${dir}/${path}`)),
  ]);
  if (inTheWay.length > 0) {
    const names = [...new Set(inTheWay)].sort();
    const remedy = "name another folder: `rtt init my-project`";
    return refuse(
      ...names.map((name) =>
        issue("init.exists", `cannot make a project in \`${dir}\` because \`${name}\` is there`, remedy, {
          file: name,
          line: 1,
          column: 1,
        })
      ),
    );
  }
  if (!isThere(`${dir}/.gitignore`)) files.set(".gitignore", GITIGNORE);
  const encoder = new TextEncoder();
  writeOutput(dir, "a project to", () => {
    for (const [path, text] of files) writeWhole(`${dir}/${path}`, encoder.encode(text));
  });
  return ok([...files.keys()]);
}

/** They would be part of the new project, which is not what anybody checks. */
function cueFilesIn(dir: string): readonly string[] {
  try {
    return [...Deno.readDirSync(dir)].map((each) => each.name).filter((name) => name.endsWith(".cue"));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

/** Also for a link that leads nowhere. */
function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return false;
    throw thrown;
  }
}
