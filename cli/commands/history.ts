import type { WalBody } from "../../core/apply/types.ts";
import { EXIT, type ExitCode } from "../../core/errors.ts";
import type { Call, Command } from "../command.ts";
import { layout } from "../layout.ts";
import { readLog } from "../project/committed.ts";

export const command: Command = {
  name: "history",
  operands: "",
  arity: [0, 0],
  summary: "what was decided, committed, undone and moved, when, and whose key",
  options: [],
  examples: ["rtt history", "rtt history --json"],
  run(call: Call): Promise<ExitCode> {
    const signed = new Map<string | null, readonly string[]>();
    for (const { seq, hash, body } of readLog(layout(call.dir)).records) {
      // A rollback needs no grant: who signed the plan that it goes back to is known from before.
      const signers = body.kind === "C" ? (body.signers.length > 0 ? body.signers : signed.get(body.plan) ?? []) : [];
      if (body.kind === "C") signed.set(body.plan, signers);
      call.output.line(`${String(seq).padStart(5)}  ${date(body.at)}  ${words(body)}${names(signers)}`);
      call.output.object({ seq, hash, ...body, ...(body.kind === "C" ? { signers } : {}) });
    }
    return Promise.resolve(EXIT.done);
  },
};

const DATE_CHARACTERS = "2026-01-31 12:00:00Z".length;

/** In UTC; records of before the log had dates have none. */
function date(at: number | undefined): string {
  if (at === undefined || at > MOST_MS) return "-".padEnd(DATE_CHARACTERS);
  return new Date(at).toISOString().replace("T", " ").replace(/\.\d+Z$/, "Z");
}

/** The last moment of a `Date` whose year has four digits. */
const MOST_MS = 253_402_300_799_999;

function words(body: WalBody): string {
  switch (body.kind) {
    case "D":
      return `decided    ${body.act} ${plan(body.plan)}, serial ${body.serial}`;
    case "C":
      return `committed  ${plan(body.plan)}, serial ${body.serial}`;
    case "R":
      return `undone     record ${body.decision}: ${body.why}`;
    case "M":
      return `moved      ${body.move}: ${body.why}`;
  }
}

function names(signers: readonly string[]): string {
  return signers.length === 0 ? "" : `, signed by ${signers.map((each) => each.slice(0, 16)).join(", ")}`;
}

function plan(id: string | null): string {
  return id === null ? "the empty graph" : `plan ${id.slice(0, 12)}`;
}
