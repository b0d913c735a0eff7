/** Reads the command's name and loads that command and nothing else, so that start-up costs what the command needs. */
import { EXIT, type ExitCode, issue, RttError } from "../core/errors.ts";
import type { Call, Command } from "./command.ts";
import { openOutput, type Output } from "./output.ts";

/** In the order of the help. The imports are written out so that the compiler finds them. */
const COMMANDS: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  init: () => import("./commands/init.ts"),
  check: () => import("./commands/check.ts"),
  render: () => import("./commands/render.ts"),
  scan: () => import("./commands/scan.ts"),
  plan: () => import("./commands/plan.ts"),
  show: () => import("./commands/show.ts"),
  explain: () => import("./commands/explain.ts"),
  keys: () => import("./commands/keys.ts"),
  sign: () => import("./commands/sign.ts"),
  serve: () => import("./commands/serve.ts"),
  down: () => import("./commands/down.ts"),
  apply: () => import("./commands/apply.ts"),
  rollback: () => import("./commands/rollback.ts"),
  status: () => import("./commands/status.ts"),
  drift: () => import("./commands/drift.ts"),
  history: () => import("./commands/history.ts"),
  logs: () => import("./commands/logs.ts"),
  wal: () => import("./commands/wal.ts"),
  demo: () => import("./commands/demo.ts"),
};

export async function main(args: readonly string[]): Promise<ExitCode> {
  const [name, ...rest] = args;
  const output = openOutput(args.some((word) => word === "--json" || word.startsWith("--json=")));
  if (name === undefined || name.startsWith("-") || name === "help") {
    return await help((name === "help" ? rest : args).filter((word) => !HELP_OPTIONS.includes(word)), output);
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) {
    output.problems([await unknownCommand(name)]);
    return EXIT.badInput;
  }
  const { command } = await load();
  return await run(command, rest, output);
}

const HELP_OPTIONS = ["--help", "-h", "--json"];

async function run(command: Command, args: readonly string[], output: Output): Promise<ExitCode> {
  const { readCall } = await import("./arguments.ts");
  try {
    if (args.includes("--help")) return await help([command.name], output);
    const call: Call = readCall(command, args, output);
    return await command.run(call);
  } catch (thrown) {
    if (thrown instanceof RttError) {
      output.problems(thrown.issues);
      return thrown.exit;
    }
    const { describeUnexpected } = await import("./unexpected.ts");
    output.problems([describeUnexpected(thrown)]);
    return EXIT.failed;
  }
}

async function help(words: readonly string[], output: Output): Promise<ExitCode> {
  const [name, ...more] = words;
  const load = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (name !== undefined && (!load || more.length > 0)) {
    output.problems([await unknownCommand(more[0] ?? name)]);
    return EXIT.badInput;
  }
  const { helpText, commandHelp, helpObject } = await import("./help.ts");
  const commands = await Promise.all(
    (load ? [load] : Object.values(COMMANDS)).map(async (each) => (await each()).command),
  );
  const [only] = commands;
  output.line(load && only ? commandHelp(only) : helpText(commands));
  output.object({ commands: commands.map(helpObject) });
  return EXIT.done;
}

async function unknownCommand(name: string) {
  const { suggestion } = await import("../core/model/nearest.ts");
  const remedy = `${suggestion(name, Object.keys(COMMANDS), "")} \`rtt help\` lists the commands`;
  return issue("usage.command", `cannot run \`${name}\` because rtt has no such command`, remedy);
}
