import type { ExitCode } from "../../core/errors.ts";
import { followAct, showStep } from "../act.ts";
import { openClient, ROUTES } from "../client.ts";
import type { Call, Command } from "../command.ts";

export const command: Command = {
  name: "rollback",
  operands: "",
  arity: [0, 0],
  summary: "apply the committed plan's inverse: its predecessor becomes the committed plan",
  options: [],
  examples: ["rtt rollback"],
  async run(call: Call): Promise<ExitCode> {
    using client = openClient(call.dir);
    return followAct(call, await client.act(ROUTES.rollback, null, (line) => showStep(call, line)));
  },
};
