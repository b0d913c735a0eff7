/** What drivers run and open is there, and is of a kind that a cell can be given. */
import type { Driver } from "./config.ts";
import { suggestion } from "./nearest.ts";
import type { Report } from "./parse_node.ts";

/** The built-in drivers that a project may name. */
export const BUILT_IN: readonly string[] = ["controller", "gen", "plant", "sampler", "sink"];
const BUILT_IN_PREFIX = "rtt:";
/** Where a program that is named without a slash is looked for, in this order, on every host. */
export const PROGRAM_FOLDERS: readonly string[] = ["/usr/local/bin", "/usr/bin", "/bin"];
/** An argument with such an ending is a file that the program reads. */
const SCRIPT = /^[^-\s][^\s:]*\.(awk|jq|js|lua|mjs|php|pl|py|r|rb|sed|sh|tcl|ts)$/i;

export type FileKind = "file" | "folder" | "pipe" | "device" | "other";
/** What is at a path, absolute or relative to the project; undefined when nothing is. Links are followed. */
export type KindOf = (path: string) => FileKind | undefined;

/** The program is there, with the files of the project that its arguments and its closure name. */
export function checkProgram(driver: Driver, report: Report, kindOf?: KindOf): void {
  const path = `drivers.${driver.name}.run`;
  if (!report.sound(path)) return;
  const [program = "", ...args] = driver.run;
  const say = (code: string, at: string, because: string, remedy: string) =>
    report.add(code, at, `cannot run driver \`${driver.name}\` because ${because}`, remedy);
  if (program.startsWith(BUILT_IN_PREFIX)) {
    checkBuiltIn(driver, program.slice(BUILT_IN_PREFIX.length), say);
    return;
  }
  const relative: [string, string][] = driver.closure.map((file, at) => [file, `drivers.${driver.name}.closure.${at}`]);
  for (const [at, word] of args.entries()) {
    if (!SCRIPT.test(word)) continue;
    if (!word.startsWith("/")) relative.push([word, `${path}.${at + 1}`]);
    else if (kindOf) sayNoFile(kindOf(word), `${path}.${at + 1}`, `the file \`${word}\``, say);
  }
  if (program.includes("/") && !program.startsWith("/")) relative.push([program, `${path}.0`]);
  for (const [file, at] of relative) {
    if (projectPath(file) === undefined) {
      say("driver.path", at, `\`${file}\` is not inside the project's folder`, "write a path relative to the project");
    } else if (kindOf) sayNoFile(kindOf(file), at, `the file \`${file}\` of the project`, say);
  }
  if (!kindOf) return;
  if (program.startsWith("/")) sayNoFile(kindOf(program), `${path}.0`, `the program \`${program}\``, say);
  else if (!program.includes("/") && !PROGRAM_FOLDERS.some((folder) => kindOf(`${folder}/${program}`) === "file")) {
    const remedy = kindOf(program) === "file"
      ? `write "./${program}" for the project's own file`
      : "install it, or write the path of a file of the project with a slash: `./filter`";
    say("driver.file", `${path}.0`, `no program \`${program}\` is in ${PROGRAM_FOLDERS.join(", ")}`, remedy);
  }
}

type Say = (code: string, path: string, because: string, remedy: string) => void;

function sayNoFile(kind: FileKind | undefined, at: string, what: string, say: Say): void {
  if (kind === undefined) say("driver.file", at, `${what} is not there`, "correct the path, or put the file there");
  else if (kind !== "file") {
    say("driver.file", at, `${what} is ${KIND_WORDS[kind]}`, "write the path of a regular file");
  }
}

const KIND_WORDS: Readonly<Record<FileKind, string>> = {
  file: "a regular file",
  folder: "a folder",
  pipe: "a pipe",
  device: "a device",
  other: "neither a file, a folder, a pipe nor a device",
};

/** What a driver may open. The keeper refuses the same (`ffi/cell/src/files.rs`), but only when the cell is made. */
export function checkManifestFiles(driver: Driver, report: Report, kindOf?: KindOf): void {
  for (const [path, access] of driver.files) {
    const at = `drivers.${driver.name}.files.${path}`;
    if (path === "" || !report.sound(at)) continue;
    const say = (code: string, because: string, remedy: string) =>
      report.add(code, at, `cannot give driver \`${driver.name}\` the file \`${path}\` because ${because}`, remedy);
    const parts = path.split("/").filter((each) => each !== "");
    if (parts.includes(".") || parts.includes("..")) {
      const inside = projectPath(path);
      const remedy = inside === undefined ? "write it from the project's folder, or absolute" : `write \`${inside}\``;
      say("driver.path", "its path has `.` or `..` in it", remedy);
    } else if (path.startsWith("/") && parts[0] === "proc" && isOfAProcess(parts[1])) {
      say(
        "driver.path",
        "it belongs to one process and not to the host",
        "take it away: a cell has a `/proc` of its own",
      );
    } else if (driver.speaks === "stdio" && /^\/proc(\/|$)/.test(path)) {
      // A cell has a /proc of its own: files of the host's are passed as descriptors.
      say(
        "driver.proc",
        "it speaks stdio, and only the driver kit opens files of /proc",
        "leave it out and read a driver that has it, such as `rtt:sampler`; or write the driver with the kit",
      );
    } else if (kindOf) checkOpenable(path, access, kindOf, say);
  }
}

/** `self`, `thread-self` and the numbers of processes; `/proc` as a whole holds them. */
function isOfAProcess(part: string | undefined): boolean {
  return part === undefined || part === "self" || part === "thread-self" || /^[0-9]+$/.test(part);
}

function checkOpenable(
  path: string,
  access: "r" | "rw",
  kindOf: KindOf,
  say: (code: string, because: string, remedy: string) => void,
): void {
  const kind = kindOf(path);
  const above = path.replace(/\/+[^/]*\/*$/, "");
  const folder = above === path ? "." : above || "/";
  if (kind === "other") say("driver.file", `it is ${KIND_WORDS.other}`, "write the path of one of these");
  else if (kind === "folder" && path.startsWith("/proc/")) {
    say("driver.file", "it is a folder, and of `/proc` single files are passed", "name the files in it");
  } else if (kind === undefined && access === "r") {
    say("driver.file", "it is not there", "correct the path, or put it there");
  } else if (kind === undefined && kindOf(folder) !== "folder") {
    say("driver.file", `its folder \`${folder}\` is not there`, "make the folder, or correct the path");
  }
}

function checkBuiltIn(driver: Driver, name: string, say: Say): void {
  const path = `drivers.${driver.name}.run.0`;
  if (name === "exec") {
    const remedy = 'write `speaks: "stdio"` and the program itself in `run`; rtt puts `exec` before it';
    say("driver.builtIn", path, "`rtt:exec` is not a driver by itself", remedy);
  } else if (!BUILT_IN.includes(name)) {
    const known = BUILT_IN.map((each) => BUILT_IN_PREFIX + each);
    const remedy = suggestion(BUILT_IN_PREFIX + name, known, "use a program of your own");
    say("driver.builtIn", path, `there is no built-in driver \`rtt:${name}\``, remedy);
  } else if (driver.speaks === "stdio") {
    const because = "a built-in driver links the driver kit and does not speak stdio";
    say("driver.speaks", `drivers.${driver.name}.speaks`, because, "leave `speaks` out");
  }
}

/** A path inside the project in its one form (`./a//b` is `a/b`), or undefined when it leads elsewhere. */
export function projectPath(path: string): string | undefined {
  if (path.startsWith("/") || path.includes("\0")) return undefined;
  const parts = path.split("/").filter((each) => each !== "" && each !== ".");
  return parts.length === 0 || parts.includes("..") ? undefined : parts.join("/");
}
