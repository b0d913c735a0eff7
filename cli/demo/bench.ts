/** The demo's project in a folder of its own: made from the examples as a user would, driven through the command line. */
import { EXIT, issue, RttError } from "../../core/errors.ts";
import { removeIfThere } from "../files.ts";
import type { StatusView } from "../panel/views.ts";
import { selfCommand } from "../self.ts";

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

  constructor() {
    this.dir = Deno.makeTempDirSync({ prefix: "rtt-demo-" });
    Deno.chmodSync(this.dir, 0o700);
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
  async rtt(...args: readonly string[]): Promise<Ran> {
    const [program, ...words] = selfCommand([...args, "--dir", this.dir]);
    const began = performance.now();
    const { code, stdout, stderr } = await new Deno.Command(program, { args: words, cwd: this.dir }).output();
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
  async plan(): Promise<{ readonly file: string; readonly words: string; readonly ms: number }> {
    await this.done("render");
    await this.done("sign");
    const { out, ms } = await this.done("plan");
    return { file: out.trimEnd().split("\n").at(-1) ?? "", words: out, ms };
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
