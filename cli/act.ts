/** How commands that change things show their steps and their end. */
import { EXIT, type ExitCode } from "../core/errors.ts";
import type { ActLine } from "./api/wire.ts";
import type { End } from "./client.ts";
import type { Call } from "./command.ts";

export function showStep(call: Call, line: ActLine): void {
  if ("step" in line) call.output.note(call.output.paint.dim(`${line.step}: ${line.detail}`));
}

/** Says how an act ended and answers the exit code. */
export function followAct(call: Call, end: End): ExitCode {
  const { output } = call;
  const plan = end.plan === null ? "the empty graph" : `plan ${end.plan.slice(0, 12)}`;
  if (end.exit === EXIT.done) {
    output.line(
      end.changed ? `committed ${plan}, serial ${end.serial}` : `nothing to do: ${plan} is committed and true`,
    );
  } else {
    output.problems(end.issues);
    const isWhole = end.issues.every((each) => each.code !== "driver.down");
    if (end.exit === EXIT.rolledBack && isWhole) output.note("rolled back: everything is as it was before");
  }
  output.object({ outcome: end.outcome, plan: end.plan, serial: end.serial, changed: end.changed });
  return end.exit;
}
