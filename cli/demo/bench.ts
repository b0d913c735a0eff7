/** The demo's project in a folder of its own: made from the examples as a user would, driven through the command line. */
import { EXIT, issue, RttError } from "../../core/errors.ts";
import { removeIfThere } from "../files.ts";
import type { StatusView } from "../panel/views.ts";
import { selfCommand } from "../self.ts";
import { Footprint } from "./footprint.ts";

// A URL and no joined path: inside the executable a path with ".." in it is not found.
const EXAMPLES = new URL("../../examples/", import.meta.url);

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

export class Bench implements Disposable {
  readonly dir: string;
  readonly footprint: Footprint;

  /** Below `folder`, or where temporary files go. Nothing more is run once `stopped` says so, and what runs is ended. */
  constructor(folder: string | undefined, readonly stopped: AbortSignal) {
    this.dir = Deno.makeTempDirSync({ prefix: "rtt-demo-", ...(folder === undefined ? {} : { dir: folder }) });
    Deno.chmodSync(this.dir, 0o700);
    this.footprint = new Footprint(this.dir);
  }

  path(name: string): string {
    return `${this.dir}/${name}`;
  }

  /** Copies a file of the examples into this project. */
  take(example: string, name: string): void {
    this.write(name, Deno.readTextFileSync(new URL(example, EXAMPLES)));
  }

  remove(name: string): void {
    removeIfThere(this.path(name));
  }

  write(name: string, text: string): void {
    Deno.writeTextFileSync(this.path(name), text);
  }

  /** `rtt ARGS` in the project, as one would type it. */
  rtt(...args: readonly string[]): Promise<Ran> {
    this.stopped.throwIfAborted();
    return this.#run(args, { signal: this.stopped });
  }

  /** `rtt down`, also when the demo was stopped. */
  down(): Promise<Ran> {
    return this.#run(["down"], {});
  }

  async #run(args: readonly string[], options: Pick<Deno.CommandOptions, "signal">): Promise<Ran> {
    const [program, ...words] = selfCommand([...args, "--dir", this.dir]);
    const began = performance.now();
    const command = new Deno.Command(program, { args: words, cwd: this.dir, ...options });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr), ms: performance.now() - began };
  }

  /** The same, for what must succeed. */
  async done(...args: readonly string[]): Promise<Ran> {
    const ran = await this.rtt(...args);
    if (ran.code !== EXIT.done) throw failed(`rtt ${args.join(" ")} exited with ${ran.code}:\n${ran.out}${ran.err}`);
    return ran;
  }

  async status(): Promise<StatusView> {
    return JSON.parse((await this.done("status", "--json")).out);
  }

  /** Renders, signs and plans what is declared; answers the plan's file. */
  async plan(): Promise<{ readonly file: string; readonly words: readonly string[]; readonly ms: number }> {
    await this.done("render");
    await this.done("sign");
    const { out, ms } = await this.done("plan");
    const lines = out.trimEnd().split("\n");
    return { file: lines.at(-1) ?? "", words: lines.slice(0, -1), ms };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.dir, { recursive: true });
  }
}

/** The demo ends here: something is not as it must be. */
export function failed(why: string): RttError {
  return new RttError(EXIT.failed, [
    issue(
      "demo.failed",
      `cannot go on with the demo because ${why}`,
      "if it happens again, please report it with this output",
    ),
  ]);
}
