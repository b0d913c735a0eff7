/** What every command is: data for help and completion, and one function. */
import type { ExitCode } from "../core/errors.ts";
import type { Output } from "./output.ts";

export interface Option {
  readonly name: string;
  /** The placeholder of its value; none: a switch. */
  readonly value?: string;
  readonly help: string;
}

export interface Command {
  readonly name: string;
  /** After the name in the usage line: `PLAN`, `[DIR]`. */
  readonly operands: string;
  /** Fewest and most operands. */
  readonly arity: readonly [number, number];
  readonly summary: string;
  readonly options: readonly Option[];
  readonly examples: readonly string[];
  run(call: Call): Promise<ExitCode>;
}

/** One use of a command. */
export interface Call {
  readonly operands: readonly string[];
  /** The project's folder, absolute. */
  readonly dir: string;
  readonly output: Output;
  /** Whether a switch was given. */
  has(option: string): boolean;
  /** The value of an option, if it was given. */
  value(option: string): string | undefined;
}

/** Every command takes these. */
export const COMMON: readonly Option[] = [
  { name: "dir", value: "DIR", help: "the project's folder (default: the current one)" },
  { name: "json", help: "one JSON object (or one a line, for streams) instead of text" },
  { name: "help", help: "this text" },
];
