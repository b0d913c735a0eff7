/** What the committed plan's contracts promised, held against those that are declared now. */
import type { Committed } from "../../core/apply/types.ts";
import { EXIT, type Issue, RttError } from "../../core/errors.ts";
import type { Config, ContractVersion } from "../../core/model/config.ts";
import { breachIssues } from "../../core/model/evolution.ts";
import { type ManifestEndpoint, parseManifest, revisionIn } from "../../core/model/manifest.ts";
import { revisions } from "../../core/model/revision.ts";
import { sameLine } from "../../core/model/version.ts";
import { parseCanonical } from "../../core/trust/canonical.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { openStore } from "../adapters/store.ts";
import type { Layout } from "../layout.ts";
import { readCommitted } from "./committed.ts";

/** Throws with every field that breaks a promise. Without a committed plan nothing was promised. */
export function demandPromises(config: Config, at: Layout, committed: Committed = readCommitted(at)): void {
  const issues = promiseIssues(config, committedEndpoints(at, committed));
  if (issues.length > 0) throw new RttError(EXIT.badInput, issues);
}

export function promiseIssues(config: Config, committed: readonly ManifestEndpoint[]): readonly Issue[] {
  const issues = committed.filter((each) => each.fields.length > 0).flatMap((endpoint): readonly Issue[] => {
    const contract = config.contracts.get(endpoint.contract);
    const promised = revisionIn(endpoint);
    const declared = contract &&
      revisions(contract).find((each: ContractVersion) => sameLine(each.version, promised.version));
    return contract && declared ? breachIssues(contract.name, promised, declared, contract.place) : [];
  });
  return [...new Map(issues.map((each) => [each.message, each])).values()];
}

/** Of the manifests in the store that the committed plan runs. One that is gone promises nothing that could be read. */
function committedEndpoints(at: Layout, committed: Committed): readonly ManifestEndpoint[] {
  const store = openStore(at.store, openCrypto().hasher);
  return committed.graph.drivers.flatMap(({ manifest }): readonly ManifestEndpoint[] => {
    const bytes = store.get(manifest);
    const value = bytes && parseCanonical(bytes, "the manifest", "manifest.broken");
    const parsed = value?.ok ? parseManifest(value.value) : undefined;
    return parsed?.ok ? parsed.value.endpoints : [];
  });
}
