/** A project in a folder of its own, driven through the compiled executable as a user would, and gone without a trace. */
import { assert, assertEquals } from "@std/assert";
import { EXIT, RttError } from "../../core/errors.ts";
import { openClient, ROUTES } from "../../cli/client.ts";
import { Footprint } from "../../cli/demo/footprint.ts";
import type { DriftView, StatusView } from "../../cli/panel/views.ts";
import { exists, kill, pause, pidOf, until } from "./process.ts";

export const RTT: string = Deno.env.get("RTT_EXECUTABLE") ?? new URL("../../dist/rtt", import.meta.url).pathname;

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One line of a refusal under `--json`. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly where: string | null;
  readonly remedy: string;
}

/** How the commands of a project are run, if not as this process is: a command line that ends by running what follows it. */
export type By = readonly string[];

export const NOBODY = 65_534;
export const isRoot: boolean = Deno.uid() === 0;

/** An ordinary user without a home or any word in the environment. Only root can be somebody else. */
export const ORDINARY: By = [
  ...(isRoot ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : []),
  ...["env", "-i", "PATH=/usr/bin:/bin"],
];

/** Longest wait for a panel that was just started. */
const SERVE_WITHIN_MS = 20_000;

export class Project implements AsyncDisposable {
  readonly #footprint: Footprint;
  #panel: Deno.ChildProcess | undefined;

  private constructor(readonly dir: string, public by: By) {
    this.#footprint = new Footprint(dir);
  }

  /** A scaffold of `rtt init` with these files written over it. */
  static async make(
    files: Readonly<Record<string, string>> = {},
    by: By | ((dir: string) => By) = [],
    dir: string = Deno.makeTempDirSync({ prefix: "rtt-e2e-" }),
  ): Promise<Project> {
    const project = new Project(dir, typeof by === "function" ? by(dir) : by);
    if (isRoot && by === ORDINARY) Deno.chownSync(dir, NOBODY, NOBODY);
    await project.succeed("init");
    for (const [name, text] of Object.entries(files)) project.write(name, text);
    return project;
  }

  /** What is in this folder, without what a panel has made in it. */
  static async copied(folder: string): Promise<Project> {
    const project = new Project(Deno.makeTempDirSync({ prefix: "rtt-e2e-" }), []);
    const args = ["--recursive", `${folder}/.`, project.dir];
    assert((await new Deno.Command("cp", { args }).output()).success, `cannot copy ${folder}`);
    for (const made of [".rtt", "plans", "manifests"]) {
      if (exists(project.path(made))) Deno.removeSync(project.path(made), { recursive: true });
    }
    return project;
  }

  /** One with a key that may sign everything, rendered and signed. */
  static async signed(files: Readonly<Record<string, string>> = {}, by: By = [], dir?: string): Promise<Project> {
    const project = await Project.make(files, by, dir);
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
    return await output(this.start(...args));
  }

  /** A command that is run in this folder. */
  async from(cwd: string, ...args: readonly string[]): Promise<Run> {
    const options: Deno.CommandOptions = { args: [...args, "--dir", this.dir], cwd, stdout: "piped", stderr: "piped" };
    return await output(new Deno.Command(RTT, options).spawn());
  }

  /** A command that goes on by itself. */
  start(...args: readonly string[]): Deno.ChildProcess {
    return this.#command([...args, "--dir", this.dir], this.by, "piped");
  }

  #command(args: string[], by: By, streams: "piped" | "null"): Deno.ChildProcess {
    const [program = RTT, ...before] = [...by, RTT];
    const options = { args: [...before, ...args], cwd: this.dir, stdin: "null", stdout: streams, stderr: streams };
    return new Deno.Command(program, options as Deno.CommandOptions).spawn();
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

  /** Runs a command that must exit with `code` and answers what it says is wrong. */
  async refuses(code: number, ...args: readonly string[]): Promise<readonly Problem[]> {
    const { stderr } = await this.exits(code, ...args, "--json");
    return stderr.trim().split("\n").map((line) => JSON.parse(line).error as Problem);
  }

  /** The one object that a command printed under `--json`. */
  async json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.succeed(...args, "--json"));
  }

  status(): Promise<StatusView> {
    return this.json("status");
  }

  drift(): Promise<DriftView> {
    return this.json("drift");
  }

  async root(): Promise<string> {
    return (await this.json<{ root: string }>("wal", "verify")).root;
  }

  /** Solves, grants, and answers the plan's path: the last line. */
  async plan(...args: readonly string[]): Promise<string> {
    return (await this.succeed("plan", ...args)).trimEnd().split("\n").at(-1) ?? "";
  }

  /** Makes what the CUE says now true: render, sign, plan, apply. Answers the plan's path. */
  async become(files: Readonly<Record<string, string>> = {}): Promise<string> {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    await this.rendered();
    const plan = await this.plan();
    await this.succeed("apply", plan);
    return plan;
  }

  /** Starts a panel and waits until it answers. */
  async serve(by: By = this.by): Promise<void> {
    this.#panel = this.#command(["serve", "--dir", this.dir], by, "null");
    const { pid } = this.#panel;
    let ended: number | undefined;
    this.#panel.status.then(({ code }) => ended = code);
    await until(`panel ${pid} of ${this.dir} answers`, async () => {
      if (ended !== undefined) throw new Error(`the panel ended with ${ended}`);
      return await this.#ask("status") !== undefined;
    }, SERVE_WITHIN_MS);
    this.#footprint.look();
  }

  /** Kills the panel as a power cut would, and answers when it is gone. */
  async killPanel(): Promise<void> {
    this.#footprint.look();
    const { panel } = this.pids();
    if (panel !== undefined) kill(panel);
    await this.#panel?.status;
    this.#panel = undefined;
    await until("the panel is gone", () => this.pids().panel === undefined);
  }

  /** Until nothing is under way and Observed is Desired. */
  async settled(): Promise<StatusView> {
    let drift: DriftView | undefined;
    await until(`observed is desired in ${this.dir}`, async () => {
      drift = await this.#ask("drift") as DriftView | undefined;
      return drift?.equal === true && drift.phase === "idle";
    }, 15_000).catch((late) => {
      throw new Error(`${late.message}: ${JSON.stringify(drift)}`);
    });
    this.#footprint.look();
    return await this.#ask("status") as StatusView;
  }

  /** The panel's answer, as programs ask it; nothing while there is none. */
  async #ask(what: "status" | "drift"): Promise<unknown> {
    if (this.by.length > 0) {
      const { code, stdout } = await this.rtt(what, "--json");
      return code === 0 ? JSON.parse(stdout) : undefined;
    }
    try {
      using client = openClient(this.dir);
      return await client.get(ROUTES[what]);
    } catch (thrown) {
      if (thrown instanceof RttError && thrown.exit === EXIT.noPanel) return undefined;
      throw thrown;
    }
  }

  /** The process ids of the panel and the keeper of this project: whoever holds their locks. */
  pids(): { panel: number | undefined; keeper: number | undefined } {
    return { panel: pidOf(this.dir, "serve"), keeper: pidOf(this.dir, "rtt-keeper") };
  }

  /** Frames that the sink of this name has said it took. */
  taken(sink: string): number {
    return Number(/"frames":(\d+)[^\n]*\n$/.exec(this.log(sink))?.[1] ?? 0);
  }

  /** What a driver has said, as it is on disk. */
  log(driver: string): string {
    try {
      return Deno.readTextFileSync(this.path(`.rtt/logs/${driver}.log`));
    } catch {
      return "";
    }
  }

  /** `rtt down`, after which nothing of this project may be left. */
  async down(): Promise<void> {
    this.#footprint.look();
    await this.succeed("down");
    await this.#panel?.status;
    this.#panel = undefined;
    // The panel answers `down` just before it ends itself.
    let left = this.#footprint.left();
    for (let tries = 0; left.length > 0 && tries < 40; tries++) {
      await pause(50);
      left = this.#footprint.left();
    }
    assertEquals(left, [], "left behind");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { panel, keeper } = this.pids();
    if (panel !== undefined || keeper !== undefined) await this.rtt("down");
    for (const pid of Object.values(this.pids())) if (pid !== undefined) kill(pid);
    await this.#panel?.status;
    Deno.removeSync(this.dir, { recursive: true });
  }
}

/** What a command printed and how it ended. */
export async function output(child: Deno.ChildProcess): Promise<Run> {
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}
