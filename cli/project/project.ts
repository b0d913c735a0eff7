/** A project's folder as people write it: its CUE files, found and read. */
import { issue, ok, refuse, type Result } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";

/** Path relative to the folder → text. */
export type ProjectFiles = ReadonlyMap<string, string>;

const ENDING = ".cue";

/** The project's copy of the schema, where CUE's own tools look for the package "rtt.local/rtt". */
export const SCHEMA_COPY = "cue.mod/pkg/rtt.local/rtt/schema.cue";
export const MODULE_FILE = "cue.mod/module.cue";

/** Every `*.cue` in the folder itself; they are one package. Folders below it are not looked into. */
export function readProject(dir: string): Result<ProjectFiles> {
  const names = cueNames(dir);
  if (!names) {
    const message = `cannot read the project because \`${dir}\` is not a folder that can be read`;
    return refuse(issue("config.none", message, "give the project's folder with `--dir`"));
  }
  if (names.length === 0) {
    const message = `cannot read the project because \`${dir}\` has no .cue file`;
    return refuse(issue("config.none", message, "`rtt init` makes one, `--dir` names another folder"));
  }
  const files = new Map<string, string>();
  let bytes = 0;
  for (const name of names) {
    const content = readBytes(`${dir}/${name}`);
    bytes += content?.length ?? 0;
    if (bytes > LIMITS.configBytes) {
      const message = `cannot read the project because its .cue files have more than ${LIMITS.configBytes} bytes`;
      return refuse(issue("config.limit", message, "divide the project"));
    }
    const text = content && asText(content);
    if (text === undefined) {
      const why = content ? "its bytes are not UTF-8" : "the file can't be read";
      const place = { file: name, line: 1, column: 1 };
      return refuse(
        issue("config.read", `cannot read \`${name}\` because ${why}`, "correct or remove the file", place),
      );
    }
    files.set(name, text);
  }
  return ok(files);
}

function cueNames(dir: string): readonly string[] | undefined {
  try {
    return [...Deno.readDirSync(dir)]
      .filter((each) => !each.isDirectory && each.name.endsWith(ENDING) && !each.name.startsWith("."))
      .map((each) => each.name).sort();
  } catch {
    return undefined;
  }
}

function readBytes(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch {
    return undefined;
  }
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether a regular file is there: absolute, or relative to the project. Links are followed. */
export function hasFileIn(dir: string): (path: string) => boolean {
  return (path) => {
    try {
      return Deno.statSync(path.startsWith("/") ? path : `${dir}/${path}`).isFile;
    } catch {
      return false;
    }
  };
}
