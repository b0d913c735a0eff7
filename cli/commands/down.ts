import { EXIT, type ExitCode } from "../../core/errors.ts";
import { showStep } from "../act.ts";
import { openClient, ROUTES } from "../client.ts";
import type { Call, Command } from "../command.ts";
import { endLonelyKeeper } from "../panel/lonely.ts";

export const command: Command = {
  name: "down",
  operands: "",
  arity: [0, 0],
  summary: "stop the drivers in order, then the keeper and the panel",
  options: [],
  examples: ["rtt down"],
  async run(call: Call): Promise<ExitCode> {
    if (await endLonelyKeeper(call.dir)) {
      call.output.line("down: the keeper had no panel; no driver or keeper is left");
      call.output.object({ outcome: "committed" });
      return EXIT.done;
    }
    using client = openClient(call.dir);
    const end = await client.act(ROUTES.down, null, (line) => showStep(call, line));
    if (end.exit === EXIT.done) call.output.line("down: no driver, keeper or panel is left");
    else call.output.problems(end.issues);
    call.output.object({ outcome: end.outcome });
    return end.exit;
  },
};
