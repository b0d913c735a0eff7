/** Everything that planning sees, read from a project and from this host or the exported facts of another one. */
import type { Committed } from "../../core/apply/types.ts";
import { EXIT, RttError } from "../../core/errors.ts";
import type { DriverName, Hash } from "../../core/model/names.ts";
import { manifestOf } from "../../core/model/manifest.ts";
import { baseOf, type Closure, type Scenario } from "../../core/model/scenario.ts";
import { PLANNER } from "../../core/plan/plan.ts";
import { canonical } from "../../core/trust/canonical.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { HIGHS_NAME } from "../adapters/solver.ts";
import { readInput } from "../files.ts";
import type { Layout } from "../layout.ts";
import type { Checked } from "./check.ts";
import { type Facts, parseFacts, scanHost } from "./facts.ts";
import { inFile } from "./located.ts";
import { openChecked } from "./open.ts";
import { policyBytes } from "./render.ts";

export interface Opened {
  readonly checked: Checked;
  readonly scenario: Scenario;
  /** Of the host that is planned for: what is committed there. */
  readonly committed: Committed;
}

/** `facts`: the file of `rtt scan --export`; else this host is asked. Throws with every issue of the configuration. */
export async function openScenario(at: Layout, facts?: string): Promise<Opened> {
  const checked = await openChecked(at, facts === undefined ? "this host" : "another host");
  const here = facts === undefined ? scanHost(at, checked.config) : readFacts(facts);
  const { hasher } = openCrypto();
  const manifests = new Map<DriverName, Hash>();
  const closures = new Map<DriverName, Closure>();
  for (const [name, driver] of checked.config.drivers) {
    manifests.set(name, hasher.sha256(canonical(manifestOf(driver, checked.config.contracts))));
    const closure = here.closures.get(name);
    if (closure) closures.set(name, closure);
  }
  const scenario: Scenario = {
    config: checked.config,
    manifests,
    closures,
    policy: hasher.sha256(policyBytes(checked.config)),
    topology: here.topology,
    profile: null,
    base: baseOf(here.committed),
    solver: HIGHS_NAME,
    planner: PLANNER,
  };
  return { checked, scenario, committed: here.committed };
}

function readFacts(file: string): Facts {
  const parsed = parseFacts(readInput(file, "the facts"), openCrypto().hasher);
  if (parsed.ok) return parsed.value;
  throw new RttError(EXIT.badInput, inFile(file, parsed.issues));
}
