/** Which of a contract's declared versions an endpoint means, and what a record is in it. */
import type { Contract, ContractVersion, Endpoint } from "./config.ts";
import { fieldsAt, placeFields } from "./record.ts";
import { compareVersions, contains, lineOf, type Range, sameLine, type Version } from "./version.ts";

/** All declared versions, newest first. */
export function revisions(contract: Contract): readonly ContractVersion[] {
  return [contract, ...contract.earlier];
}

/** The layout of one version; undefined when nothing says what it was. */
export function revisionAt(contract: Contract, version: Version): ContractVersion | undefined {
  const newest = revisions(contract).find((each) => sameLine(each.version, version));
  if (!newest || compareVersions(newest.version, version) < 0) return undefined;
  return { version, fields: fieldsAt(newest.fields, version) };
}

/**
 * The version that an endpoint's program is to be written for: what an `out` says that it sends, and the newest that an `in`
 * accepts. Undefined when the contract says nothing of it.
 */
export function revisionOf(endpoint: Pick<Endpoint, "direction" | "accepts">, contract: Contract) {
  return endpoint.direction === "out"
    ? revisionAt(contract, endpoint.accepts.from)
    : newestIn(contract, endpoint.accepts);
}

/** The newest that is declared and in a range. */
export function newestIn(contract: Contract, range: Range): ContractVersion | undefined {
  for (const { version, fields } of revisions(contract)) {
    if (contains(range, version)) return { version, fields };
    const known = placeFields(fields).steps.map((each) => each.since).filter((each) => contains(range, each)).at(-1);
    if (known) return { version: known, fields: fieldsAt(fields, known) };
    // Between two versions that added something: what the range begins with is what the older of them was.
    const within = sameLine(range.from, version) && compareVersions(range.from, version) < 0;
    if (within && compareVersions(lineOf(version), range.from) <= 0) return revisionAt(contract, range.from);
  }
  return undefined;
}
