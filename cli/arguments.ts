/** From a command line to a `Call`: every unknown or missing word is an error that names it. */
import { parseArgs } from "@std/cli/parse-args";
import { resolve } from "node:path";
import { EXIT, issue, RttError } from "../core/errors.ts";
import { type Call, type Command, COMMON, type Option } from "./command.ts";
import type { Output } from "./output.ts";

export function readCall(command: Command, args: readonly string[], output: Output): Call {
  const options = [...COMMON, ...command.options];
  judgeOptions(command, options, args);
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    boolean: options.filter((each) => each.value === undefined).map((each) => each.name),
    string: [...options.filter((each) => each.value !== undefined).map((each) => each.name), "_"],
    unknown: (word: string) => {
      if (word.startsWith("-")) unknown.push(word);
      return true;
    },
  }) as Record<string, unknown> & { _: (string | number)[] };
  const [first] = unknown;
  if (first !== undefined) throw usage(command, `\`${first}\` is none of its options`);
  const operands = parsed._.map(String);
  const [fewest, most] = command.arity;
  if (operands.length < fewest) throw usage(command, `an operand is missing (${command.operands})`);
  if (operands.length > most) throw usage(command, `\`${operands[most]}\` is one operand too many`);
  for (const option of options) {
    const value = parsed[option.name];
    if (option.value !== undefined && value === "") {
      throw usage(command, `--${option.name} takes one value`);
    }
  }
  return {
    operands,
    output,
    dir: resolve(typeof parsed["dir"] === "string" ? parsed["dir"] : "."),
    has: (option) => parsed[option] === true,
    value: (option) => typeof parsed[option] === "string" ? parsed[option] : undefined,
  };
}

/** The parser takes the last of two values, a value for a switch, and words of its own: `-_`, `--__proto__`. */
function judgeOptions(command: Command, options: readonly Option[], args: readonly string[]): void {
  const given = new Set<string>();
  for (const word of args.slice(0, args.includes("--") ? args.indexOf("--") : args.length)) {
    if (!word.startsWith("-") || word === "-") continue;
    const [, name = "", value] = /^--([^=]+)(=.*)?$/s.exec(word) ?? [];
    const option = options.find((each) => each.name === name);
    if (!option) throw usage(command, `\`${word}\` is none of its options`);
    if (option.value === undefined && value !== undefined) throw usage(command, `--${name} takes no value`);
    if (option.value !== undefined && given.has(name)) throw usage(command, `--${name} takes one value`);
    given.add(name);
  }
}

function usage(command: Command, why: string): RttError {
  return new RttError(EXIT.badInput, [
    issue("usage", `cannot run \`rtt ${command.name}\` because ${why}`, `\`rtt ${command.name} --help\` shows its use`),
  ]);
}
