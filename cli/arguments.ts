/** From a command line to a `Call`: every unknown or missing word is an error that names it. */
import { parseArgs } from "@std/cli/parse-args";
import { resolve } from "node:path";
import { EXIT, issue, RttError } from "../core/errors.ts";
import { type Call, type Command, COMMON } from "./command.ts";
import type { Output } from "./output.ts";

export function readCall(command: Command, args: readonly string[], output: Output): Call {
  const options = [...COMMON, ...command.options];
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
    if (option.value !== undefined && (value === "" || Array.isArray(value))) {
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

function usage(command: Command, why: string): RttError {
  return new RttError(EXIT.badInput, [
    issue("usage", `cannot run \`rtt ${command.name}\` because ${why}`, `\`rtt ${command.name} --help\` shows its use`),
  ]);
}
