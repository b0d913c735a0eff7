/**
 * Everything that a driver runs, by content: its program (with the interpreter of a script and the loader of a dynamic
 * program), the files that words of its command line name (but for those that it may write, which are its data), and those
 * that it declares. A path in a closure is
 * project-relative, absolute for a file of the host, or `rtt:drivers` for the binary of the built-in drivers. Links are
 * followed: the content counts, under the name by which it is run.
 */
import { issue, ok, refuse, type Result } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Driver, Place } from "../../core/model/config.ts";
import { PROGRAM_FOLDERS, projectPath } from "../../core/model/crosscheck_files.ts";
import type { Hash } from "../../core/model/names.ts";
import type { Manifest } from "../../core/model/manifest.ts";
import { type Closure, type ClosureFile, closureHash } from "../../core/model/scenario.ts";
import type { Hasher } from "../../core/ports.ts";
import { programInterpreter } from "./interpreter.ts";

export interface ClosureContext {
  /** The project's folder. */
  readonly dir: string;
  /** The bytes of the built-in drivers' binary. */
  readonly drivers: Uint8Array;
  readonly hasher: Hasher;
}

/** The closure path of the built-in drivers' binary. */
export const DRIVERS_PATH = "rtt:drivers";
const BUILT_IN = "rtt:";
const PERMISSION_TO_RUN = 0o111;
/** Scripts whose interpreter is a script whose interpreter …: the kernel follows as many. */
const DEEPEST_INTERPRETER = 4;

interface Runs extends Pick<Driver, "name" | "run" | "closure" | "speaks"> {
  readonly files: Iterable<readonly [string, "r" | "rw"]>;
}

export function closureOf(driver: Driver, context: ClosureContext): Result<Closure> {
  return gather(driver, driver.place, context);
}

/** The same from a signed manifest, which has no place in a text. */
export function closureOfManifest(manifest: Manifest, context: ClosureContext): Result<Closure> {
  return gather({ ...manifest, files: manifest.files.map(({ path, access }) => [path, access]) }, null, context);
}

/** The content behind a path of a closure. Throws when it can't be read. */
export function readClosureFile(path: string, { dir, drivers }: ClosureContext): Uint8Array {
  if (path === DRIVERS_PATH) return drivers;
  return Deno.readFileSync(path.startsWith("/") ? path : `${dir}/${path}`);
}

function gather(driver: Runs, place: Place | null, context: ClosureContext): Result<Closure> {
  try {
    return gatherAll(driver, context);
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown;
    const { message, remedy, code } = thrown;
    return refuse(issue(code, `cannot run driver \`${driver.name}\` because ${message}`, remedy, place));
  }
}

/** The built-in drivers' binary is the same bytes for every driver that runs it: hashed once. */
const hashes = new WeakMap<Uint8Array, Hash>();

function hashOf(content: Uint8Array, { drivers, hasher }: ClosureContext): Hash {
  const known = hashes.get(content);
  if (known !== undefined) return known;
  const hash = hasher.sha256(content);
  if (content === drivers) hashes.set(content, hash);
  return hash;
}

/** A file that the closure needs and that can't be had. */
class Unreadable extends Error {
  constructor(because: string, readonly remedy: string, readonly code = "driver.files") {
    super(because);
  }
}

function gatherAll(driver: Runs, context: ClosureContext): Result<Closure> {
  const files = new Map<string, ClosureFile>();
  let bytes = 0;
  const take = (path: string): Uint8Array => {
    const content = read(path, context);
    if (!files.has(path)) {
      bytes += content.length;
      files.set(path, { path, hash: hashOf(content, context), executable: canRun(path, context) });
    }
    if (files.size > LIMITS.closureFiles || bytes > LIMITS.closureBytes) {
      const most = `${LIMITS.closureFiles} files or ${LIMITS.closureBytes} bytes`;
      throw new Unreadable(`its files are more than ${most}`, "name fewer files in `closure`");
    }
    return content;
  };
  const [program = "", ...args] = driver.run;
  if (program.startsWith(BUILT_IN) || driver.speaks === "stdio") take(DRIVERS_PATH);
  if (!program.startsWith(BUILT_IN)) takeProgram(program, take, context);
  const written = new Set([...driver.files].filter(([, access]) => access === "rw").map(([path]) => path));
  for (const word of args) {
    const path = argumentFile(word, context);
    if (path !== undefined && !written.has(word) && !written.has(path)) take(path);
  }
  for (const each of driver.closure) take(insideProject(each));
  const sorted = [...files.values()].sort((one, other) => one.path < other.path ? -1 : 1);
  return ok({ hash: closureHash(sorted, context.hasher), files: sorted });
}

/** The program, and whatever the kernel starts to run it. */
function takeProgram(program: string, take: (path: string) => Uint8Array, context: ClosureContext, depth = 0): void {
  if (depth > DEEPEST_INTERPRETER) {
    throw new Unreadable(`\`${program}\` is the interpreter of an interpreter, and so on`, "name the program itself");
  }
  const needs = programInterpreter(take(programPath(program, context)));
  if (!needs) return;
  takeProgram(needs.path, take, context, depth + 1);
  // `#!/usr/bin/env python3` runs both.
  if (needs.looksUp !== null) takeProgram(needs.looksUp, take, context, depth + 1);
}

function programPath(program: string, { dir }: ClosureContext): string {
  if (program.startsWith("/")) return program;
  if (program.includes("/")) return insideProject(program);
  const found = PROGRAM_FOLDERS.map((folder) => `${folder}/${program}`).find((path) => isFile(path, dir));
  if (found !== undefined) return found;
  throw new Unreadable(`no program \`${program}\` is in ${PROGRAM_FOLDERS.join(", ")}`, "install it, or correct `run`");
}

/** An argument that is the path of a file, of the project or of the host, is part of what runs. */
function argumentFile(word: string, { dir }: ClosureContext): string | undefined {
  if (word.startsWith("-") || word.length > LONGEST_PATH || KERNEL_FOLDERS.test(word)) return undefined;
  const path = word.startsWith("/") ? word : projectPath(word);
  return path !== undefined && isFile(path, dir) ? path : undefined;
}

/** What is in them is no content that stays the same. */
const KERNEL_FOLDERS = /^\/+(proc|dev|sys)(\/|$)/;

/** PATH_MAX of Linux. */
const LONGEST_PATH = 4096;

function insideProject(path: string): string {
  const inside = projectPath(path);
  if (inside !== undefined) return inside;
  throw new Unreadable(`\`${path}\` is not inside the project's folder`, "write a path relative to the project");
}

function read(path: string, context: ClosureContext): Uint8Array {
  if (path !== DRIVERS_PATH && !path.startsWith("/")) stayInside(path, context);
  if (path.split("/").includes("..")) {
    throw new Unreadable(`\`${path}\` goes up by \`..\``, "write the path without it", "driver.path");
  }
  const size = path === DRIVERS_PATH ? context.drivers.length : sizeOf(path, context);
  if (size === undefined || size > LIMITS.closureBytes) {
    const why = size === undefined ? "can't be read" : "is too large";
    throw new Unreadable(`the file \`${path}\` ${why}`, "correct the path, or make the file readable");
  }
  try {
    return readClosureFile(path, context);
  } catch {
    throw new Unreadable(`the file \`${path}\` can't be read`, "correct the path, or make the file readable");
  }
}

/** A link in the project must not lead out of it: the plan would pin what the project does not hold. */
function stayInside(path: string, { dir }: ClosureContext): void {
  let real: string;
  let root: string;
  try {
    [real, root] = [Deno.realPathSync(`${dir}/${path}`), Deno.realPathSync(dir)];
  } catch {
    throw new Unreadable(`the file \`${path}\` is not in the project`, "correct the path, or add the file");
  }
  if (!real.startsWith(`${root}/`)) {
    throw new Unreadable(`\`${path}\` is a link that leads out of the project`, "copy the file into the project");
  }
}

function isFile(path: string, dir: string): boolean {
  try {
    return Deno.statSync(path.startsWith("/") ? path : `${dir}/${path}`).isFile;
  } catch {
    return false;
  }
}

/** Undefined for what is no regular file: reading a device could last for ever. */
function sizeOf(path: string, { dir }: ClosureContext): number | undefined {
  try {
    const found = Deno.statSync(path.startsWith("/") ? path : `${dir}/${path}`);
    return found.isFile ? found.size : undefined;
  } catch {
    return undefined;
  }
}

function canRun(path: string, { dir }: ClosureContext): boolean {
  if (path === DRIVERS_PATH) return true;
  const { mode } = Deno.statSync(path.startsWith("/") ? path : `${dir}/${path}`);
  return ((mode ?? 0) & PERMISSION_TO_RUN) !== 0;
}
