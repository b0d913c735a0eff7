import type { ExitCode } from "../../core/errors.ts";
import { followAct, showStep } from "../act.ts";
import { openClient, ROUTES } from "../client.ts";
import type { Call, Command } from "../command.ts";
import { readInput } from "../files.ts";

export const command: Command = {
  name: "apply",
  operands: "PLAN",
  arity: [1, 1],
  summary: "make a signed plan true, all of it or none of it",
  options: [{ name: "start", help: "start a panel in the background where none runs" }],
  examples: ["rtt apply plans/3f9c….json", "rtt apply --start plans/3f9c….json"],
  async run(call: Call): Promise<ExitCode> {
    // A path that can't be read is bad usage; a file that is no plan is the panel's to refuse.
    const bytes = readInput(call.operands[0] ?? "", "the plan");
    if (call.has("start")) await (await import("../start.ts")).startPanel(call.dir);
    using client = openClient(call.dir);
    return followAct(call, await client.act(ROUTES.apply, bytes, (line) => showStep(call, line)));
  },
};
