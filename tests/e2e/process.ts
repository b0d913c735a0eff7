/** Looking at processes of this host, and waiting for what they do. */
import { namedBy } from "../../cli/demo/footprint.ts";

/** Looks again until `holds`, for at most `withinMs`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(10);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}

export function kill(pid: number, signal: Deno.Signal = "SIGKILL"): void {
  try {
    Deno.kill(pid, signal);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** A living process of this project's folder whose command line has `word`; the oldest of them. */
export function pidOf(dir: string, word: string): number | undefined {
  return namedBy(dir).find((pid) => {
    const words = commandLine(pid);
    return words.some((each) => each === word || each.endsWith(`/${word}`));
  });
}

export function commandLine(pid: number): readonly string[] {
  return readText(`/proc/${pid}/cmdline`).split("\0");
}

/** A word of `/proc/PID/status`, like that of `Seccomp`. */
export function statusWord(pid: number, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(readText(`/proc/${pid}/status`))?.[1];
}

/** Living children, whichever of its threads started them. */
export function childrenOf(pid: number): readonly number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
    readText(`/proc/${pid}/task/${name}/children`).split(" ").filter((each) => each !== "").map(Number)
  );
}

export function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
