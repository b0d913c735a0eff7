/** The panel and the contracts of a declaration. */
import { LIMITS } from "../limits.ts";
import type { Contract, Field, PanelConfig, Scalar } from "./config.ts";
import { parseDuration } from "./duration.ts";
import { type ContractName, parseContractName, parseEndpointName } from "./names.ts";
import type { Node } from "./parse_node.ts";
import { recordBytes, SCALARS } from "./record.ts";
import { parseVersion } from "./version.ts";

export const NAME_RULE = 'a name: a letter, then letters, digits, "_" and "-", at most 63 characters';
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
    node.refuse("config.limit", `${node.text()} is shorter than ${least} ns`, `write at least "${least}ns"`);
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
  const fields = readFields(node.get("fields"));
  return version && { name, version, capabilities, fields };
}

/** A list of texts that has nothing twice. */
export function readSet(node: Node, what: string): readonly string[] {
  const texts = node.items(LIMITS.fieldsOfAContract).map((each) => [each, each.text()] as const);
  const seen = new Set<string>();
  for (const [each, text] of texts) {
    if (seen.has(text)) each.refuse("config.value", `the ${what} "${text}" is there twice`, "take one of the two away");
    seen.add(text);
  }
  return texts.map(([, text]) => text);
}

function readFields(node: Node): readonly Field[] {
  const seen = new Set<string>();
  const fields = node.items(LIMITS.fieldsOfAContract).flatMap((each) => {
    const field = readField(each);
    if (seen.has(field.name)) {
      each.refuse("config.value", `a field \`${field.name}\` is there already`, "give it another name");
    }
    seen.add(field.name);
    return each.sound() ? [field] : [];
  });
  const bytes = recordBytes(fields);
  if (bytes > LIMITS.recordBytes) {
    node.refuse(
      "contract.size",
      `its record has ${bytes} bytes and the most is ${LIMITS.recordBytes}`,
      "send large data as opaque bytes: a contract without fields",
    );
  }
  return fields;
}

function readField(node: Node): Field {
  const [type, count] = node.get("type").parsed(parseFieldType, 'a type such as "f64" or "f32[3]"') ?? ["u8", 1];
  const unit = node.get("unit");
  return {
    name: node.get("name").parsed(parseEndpointName, NAME_RULE) ?? "",
    type,
    count,
    unit: unit.there() ? unit.text() : null,
  };
}

function parseFieldType(text: string): readonly [Scalar, number] | undefined {
  const match = /^([a-z0-9]+)(?:\[([1-9][0-9]{0,5})\])?$/.exec(text);
  const type = SCALARS.find((each) => each === match?.[1]);
  return match && type ? [type, match[2] === undefined ? 1 : Number(match[2])] : undefined;
}

/** `imu.sample@^1.0` in two, or undefined. */
export function splitAt(text: string): { readonly contract: ContractName; readonly version: string } | undefined {
  const at = text.indexOf("@");
  const contract = at < 0 ? undefined : parseContractName(text.slice(0, at));
  return contract ? { contract, version: text.slice(at + 1) } : undefined;
}
