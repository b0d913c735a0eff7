import { EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { layout } from "../layout.ts";
import { readLog } from "../project/committed.ts";

export const command: Command = {
  name: "wal",
  operands: "verify",
  arity: [1, 1],
  summary: "check the log's chain, and print the committed root",
  options: [],
  examples: ["rtt wal verify", "rtt wal verify --json"],
  run(call: Call): Promise<ExitCode> {
    if (call.operands[0] !== "verify") {
      throw new RttError(EXIT.badInput, [
        issue(
          "usage",
          `cannot run \`rtt wal ${call.operands[0]}\` because there is only \`rtt wal verify\``,
          "rtt wal verify",
        ),
      ]);
    }
    const { records, seq, root } = readLog(layout(call.dir));
    call.output.line(`${records.length} records, last seq ${seq}`);
    call.output.line(`root ${root}`);
    call.output.object({ records: records.length, seq, root });
    return Promise.resolve(EXIT.done);
  },
};
