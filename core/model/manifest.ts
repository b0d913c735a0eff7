/**
 * What a driver is, as it is signed: everything that its cell and its links are made from, and nothing that is decided
 * later. It is plain JSON whose lists are sorted where their order means nothing, so that one declaration has one manifest
 * and one hash, whatever the order in which it was written.
 */
import { assert, issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Contract, ContractVersion, Driver, Endpoint, Field, Stdio } from "./config.ts";
import { type ContractName, type DriverName, type EndpointName, parseContractName } from "./names.ts";
import { SCALARS } from "./record.ts";
import { revisionOf } from "./revision.ts";
import { count, flag, list, matching, nullable, object, oneOf, type Shape, tagged, text } from "./shape.ts";
import { formatRange, formatVersion, parseRange, parseVersion } from "./version.ts";

export const MANIFEST_VERSION = 2;

export interface Manifest {
  readonly version: typeof MANIFEST_VERSION;
  readonly name: DriverName;
  readonly run: readonly string[];
  /** Sorted by name. */
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly speaks: "kit" | "stdio";
  /** Null unless the driver speaks stdio. */
  readonly stdio: Stdio | null;
  /** Sorted by name. */
  readonly endpoints: readonly ManifestEndpoint[];
  /** Sorted by path. */
  readonly files: readonly { readonly path: string; readonly access: "r" | "rw" }[];
  /** Sorted paths of what the program loads besides its argv. */
  readonly closure: readonly string[];
  readonly network: boolean;
  readonly cpu: "any" | "pinned";
  readonly loadPermille: number;
  readonly restart: { readonly budget: number; readonly withinNs: number };
  readonly startEarly: boolean;
  readonly stopWithinNs: number;
  readonly memoryBytes: number;
  readonly openFiles: number;
}

export interface ManifestEndpoint {
  readonly name: EndpointName;
  readonly direction: "in" | "out";
  readonly contract: ContractName;
  /** A range in its one spelling: `=1.2.0`, `>=1.0.0 <2.0.0`. */
  readonly accepts: string;
  /** The version that `fields` is of: what an `out` sends, and the newest that an `in` was declared to know. */
  readonly version: string;
  /** Sorted. */
  readonly capabilities: readonly string[];
  /** Sorted. */
  readonly dependsOn: readonly EndpointName[];
  /** The payload's layout as the contract has it; their order is the layout's. Empty: opaque bytes. */
  readonly fields: readonly ManifestField[];
}

/** A `Field` whose versions are text. */
export interface ManifestField extends Omit<Field, "since" | "values"> {
  readonly since: string;
  readonly values: readonly { readonly name: string; readonly value: number; readonly since: string }[];
}

export function manifestOf(driver: Driver, contracts: ReadonlyMap<ContractName, Contract>): Manifest {
  return {
    version: MANIFEST_VERSION,
    name: driver.name,
    run: [...driver.run],
    env: sortedBy([...driver.env], ([name]) => name),
    speaks: driver.speaks,
    stdio: driver.speaks === "stdio" ? plainStdio(driver.stdio) : null,
    endpoints: sortedBy([...driver.endpoints.values()], (each) => each.name).map((each) =>
      manifestEndpoint(each, contracts.get(each.contract))
    ),
    files: sortedBy([...driver.files], ([path]) => path).map(([path, access]) => ({ path, access })),
    closure: [...new Set(driver.closure)].sort(),
    network: driver.network,
    cpu: driver.cpu,
    loadPermille: driver.loadPermille,
    restart: { budget: driver.restart.budget, withinNs: driver.restart.withinNs },
    startEarly: driver.startEarly,
    stopWithinNs: driver.stopWithinNs,
    memoryBytes: driver.memoryBytes,
    openFiles: driver.openFiles,
  };
}

function manifestEndpoint(endpoint: Endpoint, contract: Contract | undefined): ManifestEndpoint {
  const revision = contract && revisionOf(endpoint, contract);
  return {
    name: endpoint.name,
    direction: endpoint.direction,
    contract: endpoint.contract,
    accepts: formatRange(endpoint.accepts),
    // Opaque payloads are the same in all versions: then the contract's own is as good as any.
    version: formatVersion(revision?.version ?? contract?.version ?? endpoint.accepts.from),
    capabilities: [...new Set(endpoint.capabilities)].sort(),
    dependsOn: [...new Set(endpoint.dependsOn)].sort(),
    fields: (revision?.fields ?? []).map(plainField),
  };
}

function plainField({ name, type, count, unit, since, values, default: value }: Field): ManifestField {
  const plainValues = values.map((each) => ({ ...each, since: formatVersion(each.since) }));
  return { name, type, count, unit, since: formatVersion(since), values: plainValues, default: value };
}

/** The layout that a manifest speaks of. */
export function revisionIn({ version, fields }: Pick<ManifestEndpoint, "version" | "fields">): ContractVersion {
  const read = (text: string) => {
    const parsed = parseVersion(text);
    assert(parsed !== undefined, `a manifest was read that has the version ${text}`);
    return parsed;
  };
  const fieldOf = ({ since, values, ...each }: ManifestField): Field => ({
    ...each,
    since: read(since),
    values: values.map((value) => ({ ...value, since: read(value.since) })),
  });
  return { version: read(version), fields: fields.map(fieldOf) };
}

/** Only the members that are known, so that nothing else of a declaration gets into a signed document. */
function plainStdio({ io, frame, quietNs, answerWithinNs }: Stdio): Stdio {
  const plainFrame = frame.kind === "fixed" ? { kind: frame.kind, bytes: frame.bytes } : { kind: frame.kind };
  return { io, frame: plainFrame, quietNs, answerWithinNs };
}

/** By UTF-16 code units, as canonical JSON sorts. */
function sortedBy<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...items].sort((one, other) => key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0);
}

/** A manifest from parsed JSON. That its bytes are canonical is for `parseCanonical` to say, before. */
export function parseManifest(value: unknown): Result<Manifest> {
  const wrong = MANIFEST(value);
  if (wrong !== undefined) return broken(`\`${wrong || "."}\` is not as in a manifest`);
  const manifest = value as Manifest;
  const order = orderIssue(manifest);
  return order === undefined ? ok(manifest) : broken(`\`${order}\` is not sorted, or names something twice`);
}

function broken(why: string): Result<Manifest> {
  return refuse(
    issue(
      "manifest.broken",
      `cannot read the manifest because ${why}`,
      "write it with `rtt render`, then sign it with `rtt sign`",
    ),
  );
}

function orderIssue(manifest: Manifest): string | undefined {
  const lists: readonly (readonly [string, readonly string[]])[] = [
    [".env", manifest.env.map(([name]) => name)],
    [".endpoints", manifest.endpoints.map((each) => each.name)],
    [".files", manifest.files.map((each) => each.path)],
    [".closure", manifest.closure],
    ...manifest.endpoints.flatMap((each, at): [string, readonly string[]][] => [
      [`.endpoints[${at}].capabilities`, each.capabilities],
      [`.endpoints[${at}].dependsOn`, each.dependsOn],
    ]),
  ];
  return lists.find(([, keys]) => !ascending(keys))?.[0];
}

function ascending(keys: readonly string[]): boolean {
  return keys.every((key, at) => at === 0 || (keys[at - 1] ?? "") < key);
}

const NAME = matching(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/);
const version: Shape = (value) => typeof value === "string" && parseVersion(value) ? undefined : "";
/** Within what JSON carries exactly. */
const fieldDefault: Shape = (value) => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return undefined;
  return typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? undefined : "";
};
const positive: Shape = (value) => count(value) ?? (value === 0 ? "" : undefined);
const contractName: Shape = (value) => typeof value === "string" && parseContractName(value) ? undefined : "";
/** A range in the spelling that `formatRange` gives it. */
const range: Shape = (value) => {
  const parsed = typeof value === "string" ? parseRange(value) : undefined;
  return parsed && formatRange(parsed) === value ? undefined : "";
};
const pair: Shape = (value) =>
  Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === "string") ? undefined : "";

const STDIO = object({
  io: oneOf("pipe", "pty"),
  frame: tagged({ lines: {}, fixed: { bytes: positive }, prefixed: {} }),
  quietNs: count,
  answerWithinNs: count,
});

const ENDPOINT = object({
  name: NAME,
  direction: oneOf("in", "out"),
  contract: contractName,
  accepts: range,
  version,
  capabilities: list(text, LIMITS.fieldsOfAContract),
  dependsOn: list(NAME, LIMITS.endpointsOfADriver),
  fields: list(
    object({
      name: NAME,
      type: oneOf(...SCALARS, "bytes", "string"),
      count: positive,
      unit: nullable(text),
      since: version,
      values: list(object({ name: NAME, value: count, since: version }), LIMITS.valuesOfAnEnum),
      default: fieldDefault,
    }),
    LIMITS.fieldsOfAContract,
  ),
});

const MANIFEST = object({
  version: oneOf(MANIFEST_VERSION),
  name: NAME,
  run: list(text, LIMITS.closureFiles),
  env: list(pair, LIMITS.closureFiles),
  speaks: oneOf("kit", "stdio"),
  stdio: nullable(STDIO),
  endpoints: list(ENDPOINT, LIMITS.endpointsOfADriver),
  files: list(object({ path: text, access: oneOf("r", "rw") }), LIMITS.closureFiles),
  closure: list(text, LIMITS.closureFiles),
  network: flag,
  cpu: oneOf("any", "pinned"),
  loadPermille: count,
  restart: object({ budget: count, withinNs: count }),
  startEarly: flag,
  stopWithinNs: count,
  memoryBytes: count,
  openFiles: count,
});
