import { EXIT, type ExitCode } from "../../core/errors.ts";
import { waiverWarnings } from "../../core/model/waiver.ts";
import type { Call, Command } from "../command.ts";
import { layout } from "../layout.ts";
import { demandMirrors } from "../project/mirrors.ts";
import { openChecked } from "../project/open.ts";
import { demandPromises } from "../project/promises.ts";

export const command: Command = {
  name: "check",
  operands: "",
  arity: [0, 0],
  summary: "validate CUE and mirrors: all issues at once, each with its file, line and column",
  options: [],
  examples: ["rtt check", "rtt check --json 2>issues.jsonl"],
  async run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const checked = await openChecked(at);
    const { config } = checked;
    demandPromises(config, at);
    demandMirrors(checked, at);
    call.output.warnings(waiverWarnings(config.policy, Date.now()));
    const counts = { drivers: config.drivers.size, contracts: config.contracts.size, routes: config.routes.size };
    call.output.line(
      `panel ${config.panel.name}: ${counts.drivers} drivers, ${counts.contracts} contracts, ${counts.routes} routes; no issue`,
    );
    call.output.object({ panel: config.panel.name, ...counts });
    return EXIT.done;
  },
};
