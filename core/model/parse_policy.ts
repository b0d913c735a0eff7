/** The policy as declared. */
import { LIMITS } from "../limits.ts";
import type { Policy, Rule, Waiver } from "./config.ts";
import { parseDriverName, parseRouteName } from "./names.ts";
import { NAME_RULE } from "./parse_fields.ts";
import type { Node } from "./parse_node.ts";

export function readPolicy(node: Node): Policy {
  const sign = node.get("sign");
  const threshold = (what: string) => sign.get(what).whole(1, LIMITS.signaturesOfAnEnvelope);
  return {
    strict: node.get("strict").flag(),
    allow: readRules(node.get("allow")),
    deny: readRules(node.get("deny")),
    network: readList(node.get("network"), parseDriverName),
    fanout: readList(node.get("fanout"), parseRouteName),
    sign: { plan: threshold("plan"), manifest: threshold("manifest"), policy: threshold("policy") },
    waive: node.get("waive").entries(LIMITS.drivers).flatMap(([name, each]) => readWaiver(name, each) ?? []),
  };
}

function readList<T>(node: Node, parse: (text: string) => T | undefined): readonly T[] {
  return node.items(LIMITS.routes).flatMap((each) => each.parsed(parse, NAME_RULE) ?? []);
}

function readRules(node: Node): readonly Rule[] {
  return node.items(LIMITS.rules, "join some with `*`").map((each) => {
    const why = each.get("why");
    return {
      from: readPattern(each.get("from")),
      to: readPattern(each.get("to")),
      why: why.there() ? why.text() : null,
      place: each.place,
    };
  });
}

function readPattern(node: Node): string {
  return node.parsed(parsePattern, 'a pattern of "driver/endpoint" such as "imu/*"') ?? "";
}

function parsePattern(text: string): string | undefined {
  return /^[A-Za-z0-9_*-]+\/[A-Za-z0-9_*-]+$/.test(text) ? text : undefined;
}

function readWaiver(name: string, node: Node): Waiver | undefined {
  const driver = parseDriverName(name);
  if (!driver) {
    node.refuse("config.name", `\`${name}\` is no driver's name`, `write ${NAME_RULE}`);
    return undefined;
  }
  const why = node.get("why");
  const waiver: Waiver = {
    driver,
    what: node.get("what").oneOf("isolation"),
    why: why.text(),
    until: node.get("until").parsed(parseDay, 'a day of the calendar such as "2027-01-31"') ?? "",
    place: node.place,
  };
  if (why.sound() && waiver.why.trim() === "") {
    why.refuse("policy.why", "it is empty", "say why the exception is needed: it is signed with the policy");
  }
  return node.sound() ? waiver : undefined;
}

/** `YYYY-MM-DD` of a day that there is. */
function parseDay(text: string): string | undefined {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  const [year, month, day] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return match && days !== undefined && day >= 1 && day <= days ? text : undefined;
}
