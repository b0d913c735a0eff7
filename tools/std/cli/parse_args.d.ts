/** The value that a flag can have: typed by `boolean`, `string` and `collect`, else guessed by the parser. */
export type ArgValue = string | number | boolean | undefined | (string | number | boolean)[];

/** Parsed flags by name, and in `_` what is no flag. */
export interface Args {
  _: (string | number)[];
  "--"?: string[];
  [flag: string]: ArgValue;
}

export interface ParseOptions {
  /** With true, what follows `--` goes to `args["--"]` and not to `args._`. */
  "--"?: boolean;
  alias?: Record<string, string | readonly string[]>;
  boolean?: boolean | string | readonly string[];
  string?: string | readonly string[];
  /** Flags that may be given many times; their value is an array. */
  collect?: string | readonly string[];
  negatable?: string | readonly string[];
  default?: Record<string, unknown>;
  /** Stop at the first argument that is no flag; all that follows goes to `_`. */
  stopEarly?: boolean;
  /** Called for each unknown flag or bare argument; `false` keeps it out of the result. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Parses command line arguments. Bare arguments that look like numbers become numbers unless `string` lists `_`. */
export function parseArgs(args: readonly string[], options?: ParseOptions): Args;
