/** A project in a folder of its own, driven through the compiled executable as a user would, and gone without a trace. */
import { assertEquals } from "@std/assert";

const RTT = new URL("../../dist/rtt", import.meta.url).pathname;

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Project implements AsyncDisposable {
  private constructor(readonly dir: string) {}

  /** A scaffold of `rtt init` with these files written over it. */
  static async make(files: Readonly<Record<string, string>> = {}): Promise<Project> {
    const project = new Project(Deno.makeTempDirSync({ prefix: "rtt-e2e-" }));
    await project.succeed("init");
    for (const [name, text] of Object.entries(files)) project.write(name, text);
    return project;
  }

  /** One with a key that may sign everything, rendered and signed. */
  static async signed(files: Readonly<Record<string, string>> = {}): Promise<Project> {
    const project = await Project.make(files);
    await project.succeed("keys", "new");
    await project.rendered();
    return project;
  }

  async rendered(): Promise<void> {
    await this.succeed("render");
    await this.succeed("sign");
  }

  path(name: string): string {
    return `${this.dir}/${name}`;
  }

  write(name: string, text: string): void {
    Deno.writeTextFileSync(this.path(name), text);
  }

  async rtt(...args: readonly string[]): Promise<Run> {
    const command = new Deno.Command(RTT, {
      args: [...args, "--dir", this.dir],
      cwd: this.dir,
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await command.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }

  /** Runs a command that must exit with `code`. */
  async exits(code: number, ...args: readonly string[]): Promise<Run> {
    const run = await this.rtt(...args);
    assertEquals(run.code, code, `rtt ${args.join(" ")}\n${run.stdout}${run.stderr}`);
    return run;
  }

  async succeed(...args: readonly string[]): Promise<string> {
    return (await this.exits(0, ...args)).stdout;
  }

  /** The one object that a command printed under `--json`. */
  async json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.succeed(...args, "--json"));
  }

  /** Solves, grants, and answers the plan's path: the last line. */
  async plan(...args: readonly string[]): Promise<string> {
    return (await this.succeed("plan", ...args)).trimEnd().split("\n").at(-1) ?? "";
  }

  /** The code of the first error of a run under `--json`. */
  static code(run: Run): string {
    const [line] = run.stderr.trim().split("\n");
    return JSON.parse(line ?? "{}").error?.code ?? "";
  }

  /** The process ids of the panel and the keeper of this project: whoever holds their locks. */
  pids(): { panel: number | undefined; keeper: number | undefined } {
    return { panel: this.#pidOf("serve"), keeper: this.#pidOf("rtt-keeper") };
  }

  #pidOf(word: string): number | undefined {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const words = readText(`/proc/${name}/cmdline`).split("\0");
      const ours = words.some((each) => each === this.dir || each.startsWith(`${this.dir}/`));
      if (ours && words.some((each) => each === word || each.endsWith(`/${word}`)) && !isZombie(name)) {
        return Number(name);
      }
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { panel, keeper } = this.pids();
    if (panel !== undefined) await this.rtt("down");
    else if (keeper !== undefined) kill(keeper);
    Deno.removeSync(this.dir, { recursive: true });
  }
}

export function kill(pid: number, signal: Deno.Signal = "SIGKILL"): void {
  try {
    Deno.kill(pid, signal);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** Looks again until `holds`, for at most `withinMs`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function isZombie(pid: string): boolean {
  return / Z /.test(readText(`/proc/${pid}/stat`).replace(/\(.*\)/, ""));
}
