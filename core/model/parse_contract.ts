/** The panel and the contracts of a declaration. */
import { LIMITS } from "../limits.ts";
import type { Contract, ContractVersion, PanelConfig } from "./config.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { breachIssues } from "./evolution.ts";
import { type ContractName, parseContractName, parseEndpointName } from "./names.ts";
import { NAME_RULE, readFields } from "./parse_fields.ts";
import type { Node } from "./parse_node.ts";
import { revisions } from "./revision.ts";
import { compareVersions, formatVersion, parseVersion, type Version } from "./version.ts";

/** Of a contract whose version can't be read, so that its fields are judged all the same. */
const FIRST_VERSION: Version = { major: 1, minor: 0, patch: 0 };
const VERSION_RULE = 'a version of three numbers such as "1.2.0"';

export function readPanel(node: Node): PanelConfig {
  return {
    name: node.get("name").parsed(parseEndpointName, NAME_RULE) ?? "",
    noPanelForNs: readDuration(node.get("noPanelFor")),
    prepareWithinNs: readDuration(node.get("prepareWithin"), LIMITS.prepareWithinNsMin),
  };
}

/** Nanoseconds; at least `least`, and never longer than anything in RTT may take. */
export function readDuration(node: Node, least = 0): number {
  const value = node.parsed(parseDuration, 'a duration such as "5ms"');
  if (value === undefined) return least;
  if (value < least) {
    node.refuse(
      "config.limit",
      `${node.text()} is shorter than ${formatDuration(least)}`,
      `write at least "${formatDuration(least)}"`,
    );
  } else if (value > LIMITS.durationNs) {
    node.refuse("config.limit", `${node.text()} is longer than 30 days`, "write a shorter duration");
  }
  return value;
}

/** Undefined when there is no contract to speak of; that was said then. */
export function readContract(text: string, node: Node): Contract | undefined {
  const name = parseContractName(text);
  if (!name) {
    node.refuse("config.name", `\`${text}\` is no contract's name`, "use names joined by dots: `imu.sample`");
    return undefined;
  }
  const version = node.get("version").parsed(parseVersion, VERSION_RULE);
  const capabilities = readSet(node.get("capabilities"), "capability");
  const fields = readFields(node.get("fields"), version ?? FIRST_VERSION);
  const earlier = node.get("earlier");
  if (!version) return undefined;
  const known = earlier.there() ? readEarlier(earlier, version) : [];
  const contract = { name, version, capabilities, fields, earlier: known, place: node.place };
  if (node.sound()) checkPromises(contract, node);
  return contract;
}

/** A list of texts that has nothing twice. */
export function readSet(node: Node, what: string): readonly string[] {
  const texts = node.items(LIMITS.fieldsOfAContract, "name fewer").map((each) => [each, each.text()] as const);
  const seen = new Set<string>();
  for (const [each, text] of texts) {
    if (seen.has(text)) each.refuse("config.value", `the ${what} "${text}" is there twice`, "take one of the two away");
    seen.add(text);
  }
  return texts.map(([, text]) => text);
}

/** Versions of which drivers are still about, newest first. */
function readEarlier(node: Node, version: Version): readonly ContractVersion[] {
  const earlier = node.items(LIMITS.earlierOfAContract, "keep those of which drivers are still about").flatMap(
    (each) => {
      const older = each.get("version").parsed(parseVersion, VERSION_RULE);
      if (older && compareVersions(older, version) >= 0) {
        const why = `${formatVersion(older)} is not earlier than the contract's own ${formatVersion(version)}`;
        each.refuse("contract.version", why, "list versions before that one");
      }
      return older ? [{ version: older, fields: readFields(each.get("fields"), older), node: each }] : [];
    },
  ).sort((one, other) => compareVersions(other.version, one.version));
  for (const [at, each] of earlier.entries()) {
    const before = earlier[at - 1];
    if (!before || compareVersions(before.version, each.version) !== 0) continue;
    each.node.refuse("contract.version", `${formatVersion(each.version)} is there twice`, "take one of the two away");
  }
  return earlier.map(({ version, fields }) => ({ version, fields }));
}

/** Each version keeps what the one before it promised. */
function checkPromises(contract: Contract, node: Node): void {
  const [newest, ...older] = revisions(contract);
  let newer = newest;
  for (const each of older) {
    if (!newer) return;
    const path = newer === contract ? node.path : `${node.path}.earlier`;
    node.report.issues.push(...breachIssues(contract.name, each, newer, node.report.place(`${path}.fields`)));
    newer = each;
  }
}

/** `imu.sample@^1.0` in two, or undefined. */
export function splitAt(text: string): { readonly contract: ContractName; readonly version: string } | undefined {
  const at = text.indexOf("@");
  const contract = at < 0 ? undefined : parseContractName(text.slice(0, at));
  return contract ? { contract, version: text.slice(at + 1) } : undefined;
}
