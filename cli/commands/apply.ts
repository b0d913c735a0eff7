import { EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { followAct, showStep } from "../act.ts";
import { openClient, ROUTES } from "../client.ts";
import type { Call, Command } from "../command.ts";

export const command: Command = {
  name: "apply",
  operands: "PLAN",
  arity: [1, 1],
  summary: "make a signed plan true, all of it or none of it",
  options: [{ name: "start", help: "start a panel in the background where none runs" }],
  examples: ["rtt apply plans/3f9c….json", "rtt apply --start plans/3f9c….json"],
  async run(call: Call): Promise<ExitCode> {
    const bytes = readPlan(call.operands[0] ?? "");
    if (call.has("start")) await (await import("../start.ts")).startPanel(call.dir);
    using client = openClient(call.dir);
    return followAct(call, await client.act(ROUTES.apply, bytes, (line) => showStep(call, line)));
  },
};

/** A path that can't be read is bad usage; a file that is no plan is the panel's to refuse. */
function readPlan(path: string): Uint8Array<ArrayBuffer> {
  const unreadable = (why: string) =>
    new RttError(EXIT.badInput, [
      issue(
        "plan.path",
        `cannot read the plan ${path} because ${why}`,
        "give the path that `rtt plan` printed in its last line",
      ),
    ]);
  let size: number;
  try {
    const facts = Deno.statSync(path);
    if (!facts.isFile) throw unreadable("it is no file");
    size = facts.size;
  } catch (thrown) {
    if (thrown instanceof RttError) throw thrown;
    throw unreadable("it is not there");
  }
  if (size > LIMITS.planBytes) throw unreadable(`it is larger than ${LIMITS.planBytes} bytes`);
  return Deno.readFileSync(path);
}
