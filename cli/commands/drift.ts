import { EXIT, type ExitCode } from "../../core/errors.ts";
import { openClient, ROUTES } from "../client.ts";
import type { Call, Command } from "../command.ts";
import type { DriftView } from "../panel/views.ts";

export const command: Command = {
  name: "drift",
  operands: "",
  arity: [0, 0],
  summary: "what is observed against what is desired",
  options: [{ name: "detailed-exitcode", help: "exit 10 when they differ" }],
  examples: ["rtt drift", "rtt drift --detailed-exitcode --json"],
  async run(call: Call): Promise<ExitCode> {
    using client = openClient(call.dir);
    const view = await client.get(ROUTES.drift) as DriftView;
    if (view.equal) call.output.line("observed is desired");
    for (const { kind, what, desired, observed, degraded } of view.drifts) {
      call.output.line(
        `${kind} ${what}: desired ${desired}, observed ${observed}${degraded ? " (known to be down)" : ""}`,
      );
    }
    call.output.object(view);
    return !view.equal && call.has("detailed-exitcode") ? EXIT.pending : EXIT.done;
  },
};
