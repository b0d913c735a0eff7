/** What the keeper is told of one driver's cell: from its signed manifest, its place in the plan, and fresh tokens. */
import { type Issue, issue, ok, refuse, type Result } from "../errors.ts";
import type { CellEndpoint, CellSpec, Tag } from "../keeper.ts";
import { LIMITS } from "../limits.ts";
import type { PlacedDriver } from "../model/graph.ts";
import type { DriverName, Hash, Instance } from "../model/names.ts";
import { defaultElement } from "../model/codec.ts";
import { layoutSteps } from "../model/layout_hash.ts";
import { type Manifest, type ManifestEndpoint, parseManifest, revisionIn } from "../model/manifest.ts";
import { placeFields } from "../model/record.ts";
import type { ClosureFile } from "../model/scenario.ts";
import { flag, list, matching, object, text } from "../model/shape.ts";
import { formatVersion } from "../model/version.ts";
import type { Entropy, Hasher, Store } from "../ports.ts";
import { parseCanonical } from "../trust/canonical.ts";
import { makeTokens } from "../trust/tokens.ts";

/** What the machine needs besides state and event. Nothing here changes the world. */
export interface Tools {
  readonly hasher: Hasher;
  /** For tokens alone. */
  readonly entropy: Entropy;
  /** Plans by their id, manifests by their hash, lists of closure files by the closure's hash: put there before `begin`. */
  readonly store: Pick<Store, "get">;
  /** False where the signed policy with this hash has a waiver, in force today, that lets the driver run without isolation. */
  isolated(driver: DriverName, policy: Hash | undefined): boolean;
  /** Absolute path of the project's folder: files of manifests may be relative to it. */
  readonly project: string;
}

/** What is known of a driver before it has an instance. */
export interface Blueprint {
  readonly placed: PlacedDriver;
  readonly manifest: Manifest;
  readonly closure: readonly ClosureFile[];
}

/** Reads a driver's manifest and closure from the store. */
export function blueprint(placed: PlacedDriver, tools: Tools): Result<Blueprint> {
  const manifestValue = stored(placed.manifest, placed.driver, "manifest", tools);
  if (!manifestValue.ok) return manifestValue;
  const manifest = parseManifest(manifestValue.value);
  if (!manifest.ok) return manifest;
  if (manifest.value.name !== placed.driver) {
    return refuse(unusable(placed.driver, "manifest", `it is the one of driver \`${manifest.value.name}\``));
  }
  const closure = stored(placed.closure, placed.driver, "closure", tools);
  if (!closure.ok) return closure;
  const wrong = CLOSURE(closure.value);
  if (wrong !== undefined) return refuse(unusable(placed.driver, "closure", `\`${wrong || "."}\` is not as in one`));
  return ok({ placed, manifest: manifest.value, closure: closure.value as readonly ClosureFile[] });
}

function stored(hash: Hash, driver: DriverName, what: string, tools: Tools): Result<unknown> {
  const bytes = tools.store.get(hash);
  if (!bytes) return refuse(unusable(driver, what, "it is not in the store"));
  return parseCanonical(bytes, `the ${what} of driver \`${driver}\``, "store.broken");
}

function unusable(driver: DriverName, what: string, why: string): Issue {
  const remedy = "restore .rtt/store from a backup, or plan and apply again";
  return issue("store.missing", `cannot start driver \`${driver}\` because of its ${what}: ${why}`, remedy);
}

export interface CellRequest {
  readonly blueprint: Blueprint;
  readonly instance: Instance;
  readonly tag: Tag;
  /** That of the plan which it runs under. */
  readonly policy: Hash | undefined;
  readonly stopOrder: number;
  readonly nowNs: number;
}

export function cellSpec(request: CellRequest, tools: Tools): CellSpec {
  const { blueprint: { manifest, placed, closure }, instance, tag, policy, stopOrder, nowNs } = request;
  return {
    instance,
    tag,
    run: commandLine(manifest.run, closure),
    env: manifest.env,
    stdio: manifest.stdio,
    endpoints: manifest.endpoints.map((each) => cellEndpoint(each, tools.hasher)),
    closure,
    files: manifest.files.map(({ path, access }) => ({
      path: isAbsolute(path) ? path : `${tools.project}/${path}`,
      access,
    })),
    network: manifest.network,
    cpus: placed.cpus,
    memoryBytes: manifest.memoryBytes,
    openFiles: manifest.openFiles,
    stopWithinNs: manifest.stopWithinNs,
    startEarly: manifest.startEarly,
    isolated: tools.isolated(placed.driver, policy),
    tokens: makeTokens(manifest.endpoints, nowNs + LIMITS.tokenLifeNs, tools.entropy),
    stopOrder,
  };
}

function cellEndpoint(endpoint: ManifestEndpoint, hasher: Hasher): CellEndpoint {
  const { name, direction, contract, version, capabilities, dependsOn } = endpoint;
  const { fields } = revisionIn(endpoint);
  const cellFields = placeFields(fields).fields.map((field) => ({
    name: field.name,
    type: field.type,
    count: field.count,
    offset: field.offset,
    default: [...withoutZeroes(defaultElement(field))],
  }));
  const layouts = layoutSteps(contract, fields, hasher).map((step) => ({ ...step, since: formatVersion(step.since) }));
  return { name, direction, contract, version, capabilities, fields: cellFields, layouts, dependsOn };
}

/** A short text in a large field is a short default. */
function withoutZeroes(bytes: Uint8Array): Uint8Array {
  return bytes.slice(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
}

/**
 * A word of the command line that names a file of the closure becomes its path in the cell; a bare program name becomes the
 * host's program that the closure was hashed with.
 */
function commandLine(run: readonly string[], closure: readonly ClosureFile[]): readonly string[] {
  const [program = "", ...rest] = run;
  if (program.startsWith("rtt:")) return [program, ...rest.map((word) => inCell(word, closure))];
  const host = program.includes("/")
    ? undefined
    : closure.find((each) => each.path.endsWith(`/${program}`) && isAbsolute(each.path));
  return [host?.path ?? inCell(program, closure), ...rest.map((word) => inCell(word, closure))];
}

function inCell(word: string, closure: readonly ClosureFile[]): string {
  const plain = word.startsWith("./") ? word.slice(2) : word;
  return closure.some((each) => each.path === plain && !isAbsolute(plain)) ? `/driver/${plain}` : word;
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/");
}

const CLOSURE = list(
  object({ path: text, hash: matching(/^[0-9a-f]{64}$/), executable: flag }),
  LIMITS.closureFiles,
);
