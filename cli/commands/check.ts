import { EXIT, type ExitCode } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { layout } from "../layout.ts";
import { openChecked } from "../project/scenario.ts";

export const command: Command = {
  name: "check",
  operands: "",
  arity: [0, 0],
  summary: "validate the project's CUE: all issues at once, each with its file, line and column",
  options: [],
  examples: ["rtt check", "rtt check --json 2>issues.jsonl"],
  async run(call: Call): Promise<ExitCode> {
    const { config } = await openChecked(layout(call.dir));
    const counts = { drivers: config.drivers.size, contracts: config.contracts.size, routes: config.routes.size };
    call.output.line(
      `panel ${config.panel.name}: ${counts.drivers} drivers, ${counts.contracts} contracts, ${counts.routes} routes; no issue`,
    );
    call.output.object({ panel: config.panel.name, ...counts });
    return EXIT.done;
  },
};
