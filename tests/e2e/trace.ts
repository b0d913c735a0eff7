/**
 * What one project has made on this host, and what of it is still there. The gate's own scan looks at all of the host; this
 * one tells whose a thing is, so that it also holds while other projects run.
 */
import { leaks, type Snapshot, snapshot } from "../../tools/leaks.ts";
import { namedBy, pids, readText, stat } from "./process.ts";

export class Trace {
  /** Processes of the project and all below them, with their start, since numbers come again. */
  readonly #processes = new Map<number, number>();
  readonly #groups = new Set<string>();
  readonly #before: Snapshot = snapshot();

  constructor(readonly dir: string) {}

  /** Remembers what runs now. */
  look(): void {
    const parents = new Map(pids().map((pid) => [pid, stat(pid).parent]));
    const ours = new Set(namedBy(this.dir));
    for (let known = 0; known < ours.size;) {
      known = ours.size;
      for (const [pid, parent] of parents) if (ours.has(parent)) ours.add(pid);
    }
    for (const pid of ours) {
      const { started } = stat(pid);
      if (started === 0) continue; // It ended between two looks.
      this.#processes.set(pid, started);
      for (const line of readText(`/proc/${pid}/cgroup`).split("\n")) {
        const name = line.slice(line.lastIndexOf("/") + 1);
        if (name.startsWith("rtt")) this.#groups.add(name);
      }
    }
  }

  /** What is there, was made by the project, and was not there when the trace began. */
  left(): readonly string[] {
    const alive = [...this.#processes].filter(([pid, started]) => stat(pid).started === started)
      .map(([pid]) => `process: ${pid} ${readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
    const named = namedBy(this.dir).map((pid) => `process: ${pid} names the project's folder`);
    return [...alive, ...named, ...leaks(this.#before).filter((line) => this.#isOurs(line))];
  }

  #isOurs(line: string): boolean {
    const [kind = "", what = ""] = line.split(/: (.*)/s);
    if (kind === "temporary file") return false; // The folder itself goes last.
    if (kind === "memfd") return this.#processes.has(Number(/^pid (\d+)/.exec(what)?.[1]));
    if (kind === "cgroup") return this.#groups.has(what.slice(what.lastIndexOf("/") + 1));
    if (kind === "process") return this.#processes.has(Number(what.split(" ")[0]));
    return what.includes(this.dir);
  }
}
