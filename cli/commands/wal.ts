import { EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { isThere, namesIn } from "../files.ts";
import { type Layout, layout } from "../layout.ts";
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
    const at = layout(call.dir);
    if (!isThere(at.wal)) throw none(at);
    const { records, seq, root } = readLog(at);
    call.output.line(`${records.length} records, last seq ${seq}`);
    call.output.line(`root ${root}`);
    call.output.object({ records: records.length, seq, root });
    return Promise.resolve(EXIT.done);
  },
};

/** A panel makes its log before it puts anything into the store. */
function none({ dir, wal, store }: Layout): RttError {
  const isLost = namesIn(store).length > 0;
  const why = isLost ? `${wal} is gone, and a panel has served this folder` : `no panel has ever served ${dir}`;
  const remedy = isLost ? "restore the folder from a backup" : "give the project's folder by `--dir`";
  const exit = isLost ? EXIT.refused : EXIT.badInput;
  return new RttError(exit, [issue("wal.none", `cannot verify the log because ${why}`, remedy)]);
}
