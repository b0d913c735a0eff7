/** A project's folder as people write it: its CUE files, found and read. */
import { type Issue, issue, ok, refuse, type Result } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { FileKind, KindOf } from "../../core/model/crosscheck_files.ts";
import { formatSize } from "../../core/model/duration.ts";

/** Path relative to the folder → text. */
export type ProjectFiles = ReadonlyMap<string, string>;

const ENDING = ".cue";

/** The project's copy of the schema, where CUE's own tools look for the package "rtt.local/rtt". */
export const SCHEMA_COPY = "cue.mod/pkg/rtt.local/rtt/schema.cue";
export const MODULE_FILE = "cue.mod/module.cue";

/** Every `*.cue` in the folder itself that CUE reads too; they are one package. Folders below it are not looked into. */
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
  const issues: Issue[] = [];
  let bytes = 0;
  for (const name of names) {
    const content = readBytes(`${dir}/${name}`, LIMITS.configBytes - bytes);
    const place = { file: name, line: 1, column: 1 };
    if (content === "too large") {
      const message = `cannot read \`${name}\` because the project's .cue files have more than ${
        formatSize(LIMITS.configBytes)
      } with it`;
      return refuse(...issues, issue("config.limit", message, "divide the project", place));
    }
    bytes += content?.length ?? 0;
    const text = content && asText(content);
    if (text !== undefined) files.set(name, text);
    else {
      const why = content ? "its bytes are not UTF-8" : "it is no file that can be read";
      issues.push(issue("config.read", `cannot read \`${name}\` because ${why}`, "correct or remove the file", place));
    }
  }
  return issues.length === 0 ? ok(files) : refuse(...issues);
}

/** CUE itself leaves out names that begin with a dot or an underscore. */
const isLeftOut = (name: string) => name.startsWith(".") || name.startsWith("_");

function cueNames(dir: string): readonly string[] | undefined {
  try {
    return [...Deno.readDirSync(dir)]
      .filter((each) => !each.isDirectory && each.name.endsWith(ENDING) && !isLeftOut(each.name))
      .map((each) => each.name).sort();
  } catch {
    return undefined;
  }
}

/**
 * Files of the project's package in folders right below it. They look like a part of the project, and neither CUE nor rtt
 * reads them there. A folder with a `cue.mod` is a project of its own.
 */
export function strays(dir: string): readonly Issue[] {
  const folders = [...Deno.readDirSync(dir)].filter((each) => each.isDirectory && !isLeftOut(each.name));
  return folders.map((each) => each.name).sort().flatMap((folder): readonly Issue[] => {
    const names = kindIn(dir)(`${folder}/cue.mod`) === undefined ? cueNames(`${dir}/${folder}`) ?? [] : [];
    return names.map((name) => `${folder}/${name}`).filter((path) => isOfPackage(`${dir}/${path}`)).map((path) =>
      issue(
        "config.stray",
        `cannot use \`${path}\` because only files in the project's folder itself are read`,
        "move it there, or give its folder a `cue.mod` if it is a project of its own",
        { file: path, line: 1, column: 1 },
      )
    );
  });
}

function isOfPackage(path: string): boolean {
  const content = readBytes(path, LIMITS.configBytes);
  const text = content instanceof Uint8Array ? asText(content) : undefined;
  return text !== undefined && /^[ \t]*package[ \t]+panel\b/m.test(text);
}

/** Undefined for what is no regular file: opening a pipe would wait for ever. */
function readBytes(path: string, most: number): Uint8Array | "too large" | undefined {
  try {
    const found = Deno.statSync(path);
    if (!found.isFile) return undefined;
    return found.size > most ? "too large" : Deno.readFileSync(path);
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

/** What is at a path: absolute, or relative to the project. Links are followed. */
export function kindIn(dir: string): KindOf {
  return (path) => {
    try {
      return kindOf(Deno.statSync(path.startsWith("/") ? path : `${dir}/${path}`));
    } catch {
      return undefined;
    }
  };
}

function kindOf(found: Deno.FileInfo): FileKind {
  if (found.isFile) return "file";
  if (found.isDirectory) return "folder";
  if (found.isFifo) return "pipe";
  return found.isCharDevice || found.isBlockDevice ? "device" : "other";
}
