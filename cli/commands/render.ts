import { EXIT, type ExitCode } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { layout } from "../layout.ts";
import { renderProject } from "../project/render.ts";
import { openChecked } from "../project/open.ts";

export const command: Command = {
  name: "render",
  operands: "",
  arity: [0, 0],
  summary: "write the mirrors and the planner's inputs from the CUE",
  options: [],
  examples: ["rtt render"],
  async run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const { written, unchanged, removed } = renderProject(await openChecked(at), at);
    for (const file of written) call.output.line(`wrote ${file}`);
    for (const file of removed) call.output.line(`removed ${file}`);
    call.output.line(`${written.length} written, ${unchanged.length} unchanged`);
    call.output.object({ written, unchanged, removed });
    return EXIT.done;
  },
};
