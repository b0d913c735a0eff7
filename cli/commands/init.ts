import { resolve } from "node:path";
import { EXIT, type ExitCode, RttError } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { initProject } from "../project/init.ts";
import { openValidator } from "../project/open.ts";

export const command: Command = {
  name: "init",
  operands: "[DIR]",
  arity: [0, 1],
  summary: "scaffold a project that passes `rtt check`",
  options: [],
  examples: ["rtt init", "rtt init my-robot"],
  async run(call: Call): Promise<ExitCode> {
    const dir = call.operands[0] === undefined ? call.dir : resolve(call.operands[0]);
    const files = await initProject(dir, openValidator());
    if (!files.ok) throw new RttError(EXIT.badInput, files.issues);
    for (const file of files.value) call.output.line(`wrote ${file}`);
    call.output.line("next: rtt check");
    call.output.object({ dir, files: files.value });
    return EXIT.done;
  },
};
