import { EXIT, type ExitCode, type Result, RttError } from "../../core/errors.ts";
import type { Envelope } from "../../core/model/plan.ts";
import { show } from "../../core/plan/explain.ts";
import { showWords } from "../../core/plan/words.ts";
import { type Believed, open, statementOf } from "../../core/trust/envelope.ts";
import { parseGrant, readPlanFile } from "../../core/trust/plan_file.ts";
import { openCrypto } from "../adapters/crypto.ts";
import type { Call, Command } from "../command.ts";
import { readInput } from "../files.ts";
import { layout } from "../layout.ts";
import { terminalWidth } from "../output.ts";
import { readTrust } from "../project/keyring.ts";
import { inFile } from "../project/located.ts";

export const command: Command = {
  name: "show",
  operands: "PLAN",
  arity: [1, 1],
  summary: "a plan in words: what starts, what is joined, what may move by itself, who granted it",
  options: [],
  examples: ["rtt show plans/3f9c….json", "rtt show plans/3f9c….json --json"],
  run(call: Call): Promise<ExitCode> {
    const { hasher, signer } = openCrypto();
    const [file = ""] = call.operands;
    const read = readPlanFile(readInput(file, "the plan"), hasher);
    if (!read.ok) throw new RttError(EXIT.badInput, inFile(file, read.issues));
    const shown = show(read.value.plan);
    const trust = readTrust(layout(call.dir));
    const grants = read.value.envelopes.map((each) => grantOf(each, open(each, "plan", trust, signer)));
    for (const line of showWords(shown, { id: read.value.id, width: terminalWidth() })) call.output.line(line);
    for (const line of grants.map(grantWords)) call.output.line(line);
    if (grants.length === 0) call.output.line("nobody has granted it");
    call.output.object({ id: read.value.id, grants, ...shown });
    return Promise.resolve(EXIT.done);
  },
};

/** A grant as it is in the file; `refused` says why this project does not believe it. */
interface ShownGrant {
  readonly keys: readonly string[];
  readonly serial: number | null;
  readonly from: string | null;
  readonly until: string | null;
  readonly refused: string | null;
}

function grantOf(envelope: Envelope, believed: Result<Believed>): ShownGrant {
  const grant = parseGrant(statementOf(envelope)?.predicate);
  const time = (ms: number | undefined) => ms === undefined ? null : new Date(ms).toISOString();
  return {
    keys: envelope.signatures.map(({ keyid }) => keyid),
    serial: grant?.serial ?? null,
    from: time(grant?.notBefore),
    until: time(grant?.notAfter),
    refused: believed.ok ? null : believed.issues[0]?.message ?? null,
  };
}

function grantWords({ keys, serial, until, refused }: ShownGrant): string {
  const by = keys.map((each) => each.slice(0, 16)).join(", ");
  const words = `granted by ${by || "nobody"} until ${until ?? "no time that can be read"}, serial ${serial ?? "none"}`;
  return refused === null ? words : `${words}; not believed here: ${refused}`;
}
