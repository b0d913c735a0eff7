/** Help, made from the commands' own data. */
import { type Command, COMMON, type Option } from "./command.ts";
import { VERSION } from "./version.ts";

export function helpText(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((each) => call(each).length));
  return [
    `rtt ${VERSION}: a signed-plan patch panel for the processes of one host`,
    "",
    "usage: rtt COMMAND [OPTION...] [OPERAND...]",
    "",
    ...commands.map((each) => `  ${call(each).padEnd(width)}  ${each.summary}`),
    "",
    "Every command takes --json, --dir DIR and --help.",
    "exit codes: 0 done, 1 failed, 2 bad usage or input, 3 refused, 4 rolled back, 5 no panel, 10 changes pending",
  ].join("\n");
}

export function commandHelp(command: Command): string {
  const options = [...command.options, ...COMMON];
  const width = Math.max(...options.map((each) => flag(each).length));
  return [
    `usage: rtt ${call(command)} [OPTION...]`,
    "",
    `${command.summary}`,
    "",
    ...options.map((each) => `  ${flag(each).padEnd(width)}  ${each.help}`),
    ...(command.examples.length > 0 ? ["", "examples:", ...command.examples.map((each) => `  ${each}`)] : []),
  ].join("\n");
}

/** For programs: completion, and other front ends. */
export function helpObject({ name, operands, summary, options, examples }: Command) {
  const plain = [...options, ...COMMON].map((each) => ({
    name: each.name,
    value: each.value ?? null,
    help: each.help,
  }));
  return { name, operands, summary, options: plain, examples };
}

function call(command: Command): string {
  return `${command.name} ${command.operands}`.trim();
}

function flag(option: Option): string {
  return `--${option.name}${option.value === undefined ? "" : ` ${option.value}`}`;
}
