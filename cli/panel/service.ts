/** What the local API asks of the panel, on top of the engine: admission, pinning, and words for how it ended. */
import type { Act, Outcome } from "../../core/apply/types.ts";
import { demand, EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import type { Hash } from "../../core/model/names.ts";
import type { AdmittedPlan } from "../../core/model/plan.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { admit, believe } from "../../core/trust/admit.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { readPlanFile } from "../../core/trust/plan_file.ts";
import type { Crypto } from "../adapters/crypto.ts";
import type { ActLine } from "../api/wire.ts";
import type { Layout } from "../layout.ts";
import { isDiskFull } from "../files.ts";
import { readClosureFile } from "../project/closure.ts";
import { gather, type Gathered, type Memory, readTrust } from "./circumstances.ts";
import type { Engine } from "./engine.ts";

export interface Grounds {
  readonly at: Layout;
  readonly panel: string;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly store: Store;
  readonly drivers: Uint8Array;
  readonly memory: Memory;
}

type Line = (line: ActLine) => void;

/** Admits the plan in these bytes, pins what it runs, and applies it. */
export async function applyFile(file: Uint8Array, grounds: Grounds, line: Line): Promise<ActLine> {
  const read = demand(readPlanFile(file, grounds.crypto.hasher), EXIT.refused);
  const { engine, crypto } = grounds;
  const trust = readTrust(grounds);
  const believed = demand(believe(read, trust.root, crypto.signer), EXIT.refused);
  const gathered = demand(gather(believed, trust, { ...grounds, committed: engine.machine.committed }), EXIT.refused);
  const { admitted, again } = demand(admit(believed, gathered.circumstances), EXIT.refused);
  line({ step: "admit", detail: `plan ${admitted.id.slice(0, 12)}, signed by ${admitted.signers.length} key(s)` });
  try {
    pin(admitted, gathered, grounds);
  } catch (thrown) {
    throw isDiskFull(thrown) ? noRoom() : thrown;
  }
  return await runAct(again ? { kind: "restore" } : { kind: "apply", admitted }, engine, line);
}

export async function runAct(act: Act, engine: Engine, line: Line): Promise<ActLine> {
  return endLine(await engine.run(act, (step, detail) => line({ step, detail })));
}

/** From now on the plan's own bytes are what runs, also after a restart, whatever happens to the files on disk. */
function pin(admitted: AdmittedPlan, gathered: Gathered, { store, at, crypto, drivers }: Grounds): void {
  store.put(admitted.bytes);
  const pinned = [...gathered.manifests.values()];
  for (const { hash, bytes } of [gathered.policy, ...pinned.map((each) => each.file)]) {
    if (!store.has(hash)) store.put(bytes);
  }
  for (const { closure } of pinned) {
    if (!store.has(closure.hash)) store.put(canonical(closure.files));
    for (const file of closure.files) {
      if (store.has(file.hash)) continue;
      const stored = store.put(readClosureFile(file.path, { dir: at.dir, drivers, hasher: crypto.hasher }));
      if (stored !== file.hash) throw changed(file.path, stored);
    }
  }
}

/** Nothing was begun: what was pinned already is used the next time. */
function noRoom(): RttError {
  const why = "the disk has no room for the files that it runs";
  return new RttError(EXIT.rolledBack, [
    issue("store.full", `cannot apply the plan because ${why}`, "make room on the disk, then apply it again"),
  ]);
}

function changed(path: string, stored: Hash): RttError {
  const why = `${path} changed while it was being read (now ${stored.slice(0, 12)})`;
  return new RttError(EXIT.refused, [
    issue("plan.closureChanged", `cannot apply the plan because ${why}`, "run `rtt plan` again"),
  ]);
}

export function endLine(outcome: Outcome): ActLine {
  const committed = outcome.kind === "committed" ? outcome : undefined;
  return {
    outcome: outcome.kind,
    exit: exitOf(outcome),
    plan: committed?.plan ?? null,
    serial: committed?.serial ?? null,
    changed: committed?.changed ?? false,
    issues: outcome.kind === "committed" ? [] : outcome.issues,
  };
}

function exitOf(outcome: Outcome): ExitCode {
  switch (outcome.kind) {
    case "committed":
      return EXIT.done;
    case "rolledBack":
      return EXIT.rolledBack;
    case "refused":
      return EXIT.refused;
    case "inDoubt":
      return EXIT.failed;
  }
}
