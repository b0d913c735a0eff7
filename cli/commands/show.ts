import { EXIT, type ExitCode, RttError } from "../../core/errors.ts";
import { show } from "../../core/plan/explain.ts";
import { showWords } from "../../core/plan/words.ts";
import { readPlanFile } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import type { Call, Command } from "../command.ts";
import { readInput } from "../files.ts";
import { terminalWidth } from "../output.ts";

export const command: Command = {
  name: "show",
  operands: "PLAN",
  arity: [1, 1],
  summary: "a plan in words: what starts, what is joined, what may move by itself",
  options: [],
  examples: ["rtt show plans/3f9c….json", "rtt show plans/3f9c….json --json"],
  run(call: Call): Promise<ExitCode> {
    const read = readPlanFile(readInput(call.operands[0] ?? "", "the plan"), openCrypto().hasher);
    if (!read.ok) throw new RttError(EXIT.badInput, read.issues);
    const shown = show(read.value.plan);
    for (const line of showWords(shown, { id: read.value.id, width: terminalWidth() })) call.output.line(line);
    call.output.object({ id: read.value.id, grants: read.value.envelopes.length, ...shown });
    return Promise.resolve(EXIT.done);
  },
};
