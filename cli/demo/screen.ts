/** Where the story is shown: lines that stay, as wide as the terminal, and below them one that is drawn again and again. */
import { wrapped } from "../../core/plan/words.ts";
import { type Output, terminalWidth } from "../output.ts";
import { drawing } from "./drawing.ts";
import type { Moment } from "./pole.ts";

const INDENT = 4;
/** What is left of a line that does not fit goes on deeper. */
const DEEPER = 2;

export type Colour = (text: string) => string;

export class Screen {
  #drawn = false;

  /** `live`: somebody looks at it, so that it may move. */
  constructor(readonly output: Output, readonly live: boolean = Deno.stdout.isTerminal() && !output.json) {}

  get columns(): number {
    return terminalWidth();
  }

  /** A line as it is. */
  line(text = ""): void {
    this.#clear();
    this.output.line(text);
  }

  /** The head of a step. */
  head(name: string, what: string): void {
    const { bold } = this.output.paint;
    const [first = "", ...rest] = wrapped(what, this.columns - INDENT);
    this.line(`${bold(`(${name})`)} ${bold(first)}`);
    for (const each of rest) this.line(" ".repeat(INDENT) + bold(each));
  }

  /** A line of what happens, broken where the terminal ends; its own indentation stays. */
  say(text: string, colour: Colour = (each) => each): void {
    const own = text.length - text.trimStart().length;
    const [first = "", ...rest] = wrapped(text.trim(), this.columns - INDENT - own - DEEPER);
    this.line(" ".repeat(INDENT + own) + colour(first));
    for (const each of rest) this.line(" ".repeat(INDENT + own + DEEPER) + colour(each));
  }

  draw(moments: readonly Moment[]): void {
    const last = moments.at(-1);
    if (!this.live || !last) return;
    const { red, green, yellow } = this.output.paint;
    const colour = last.fallen ? red : Math.abs(last.angle_deg) < 1 ? green : yellow;
    this.#write(`\r\x1b[K    ${colour(drawing(moments, this.columns - INDENT - 1))}`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) this.#write("\r\x1b[K");
    this.#drawn = false;
  }

  #write(text: string): void {
    try {
      Deno.stdout.writeSync(new TextEncoder().encode(text));
    } catch {
      // The terminal is gone: nobody looks any more, and the demo still has to end in order.
    }
  }
}
