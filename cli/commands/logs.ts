import { EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseDriverName } from "../../core/model/names.ts";
import type { Call, Command } from "../command.ts";
import { namesIn, readIfThere } from "../files.ts";
import { layout } from "../layout.ts";
import { visible } from "../output.ts";

const DEFAULT_LINES = 100;

export const command: Command = {
  name: "logs",
  operands: "[DRIVER]",
  arity: [0, 1],
  summary: "what a driver wrote to its output; without a name, which drivers wrote",
  options: [{ name: "lines", value: "N", help: `the last N lines (default ${DEFAULT_LINES})` }],
  examples: ["rtt logs plant", "rtt logs plant --lines 5 --json"],
  run(call: Call): Promise<ExitCode> {
    const [driver] = call.operands;
    return Promise.resolve(driver === undefined ? list(call) : show(call, driver));
  },
};

function list(call: Call): ExitCode {
  const drivers = namesIn(layout(call.dir).logs).filter((each) => each.endsWith(".log")).map((each) =>
    each.slice(0, -4)
  );
  for (const each of drivers) call.output.line(each);
  call.output.object({ drivers });
  return EXIT.done;
}

function show(call: Call, driver: string): ExitCode {
  const at = layout(call.dir);
  const current = parseDriverName(driver) && readIfThere(`${at.logs}/${driver}.log`);
  if (!current) {
    throw new RttError(EXIT.badInput, [
      issue(
        "logs.none",
        `cannot show what \`${driver}\` wrote because it has no log`,
        "`rtt logs` lists the drivers that have one",
      ),
    ]);
  }
  const wanted = lines(call.value("lines"));
  const before = readIfThere(`${at.logs}/${driver}.log.1`) ?? new Uint8Array();
  const decoder = new TextDecoder();
  const all = (decoder.decode(before) + decoder.decode(current)).split("\n");
  if (all.at(-1) === "") all.pop();
  for (const line of all.slice(-wanted)) {
    call.output.line(visible(line));
    call.output.object({ driver, line });
  }
  return EXIT.done;
}

function lines(text: string | undefined): number {
  const wanted = text === undefined ? DEFAULT_LINES : Number(text);
  if (Number.isSafeInteger(wanted) && wanted >= 1 && wanted <= LIMITS.logLines) return wanted;
  throw new RttError(EXIT.badInput, [
    issue(
      "usage",
      `cannot show ${text} lines because it is no number from 1 to ${LIMITS.logLines}`,
      "`rtt logs DRIVER --lines 100`",
    ),
  ]);
}
