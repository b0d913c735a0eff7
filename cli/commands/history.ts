import type { WalRecord } from "../../core/apply/types.ts";
import { EXIT, type ExitCode } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { layout } from "../layout.ts";
import { readLog } from "../project/committed.ts";

export const command: Command = {
  name: "history",
  operands: "",
  arity: [0, 0],
  summary: "what was decided, committed, undone and moved, in which order, and whose key",
  options: [],
  examples: ["rtt history", "rtt history --json"],
  run(call: Call): Promise<ExitCode> {
    for (const record of readLog(layout(call.dir)).records) {
      call.output.line(`${String(record.seq).padStart(5)}  ${words(record)}`);
      call.output.object({ seq: record.seq, hash: record.hash, ...record.body });
    }
    return Promise.resolve(EXIT.done);
  },
};

function words({ body }: WalRecord): string {
  switch (body.kind) {
    case "D":
      return `decided    ${body.act} ${plan(body.plan)}, serial ${body.serial}`;
    case "C":
      return `committed  ${plan(body.plan)}, serial ${body.serial}${signed(body.signers)}`;
    case "R":
      return `undone     record ${body.decision}: ${body.why}`;
    case "M":
      return `moved      ${body.move}: ${body.why}`;
  }
}

function signed(signers: readonly string[]): string {
  return signers.length === 0 ? "" : `, signed by ${signers.map((each) => each.slice(0, 16)).join(", ")}`;
}

function plan(id: string | null): string {
  return id === null ? "the empty graph" : `plan ${id.slice(0, 12)}`;
}
