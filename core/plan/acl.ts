/** Who may be wired to whom: `deny` wins over `allow`, and what no rule allows is refused. */
import type { Rule } from "../model/config.ts";
import type { LinkEnd } from "../model/graph.ts";
import { saddr } from "../model/names.ts";

/** A rule as it is signed; as it was declared, it has a place besides. */
export type AccessRule = Pick<Rule, "from" | "to" | "why">;

export interface AccessRules<R extends AccessRule = AccessRule> {
  readonly allow: readonly R[];
  readonly deny: readonly R[];
}

export type Verdict<R extends AccessRule = AccessRule> =
  | { readonly allowed: true; readonly rule: R }
  | { readonly allowed: false; readonly rule: R | null };

export function judgeAccess<R extends AccessRule>(rules: AccessRules<R>, from: LinkEnd, to: LinkEnd): Verdict<R> {
  const denying = firstMatch(rules.deny, from, to);
  if (denying) return { allowed: false, rule: denying };
  const allowing = firstMatch(rules.allow, from, to);
  return allowing ? { allowed: true, rule: allowing } : { allowed: false, rule: null };
}

/** A rule in its own words, as plans cite it: places would change with the text's layout. */
export function ruleWords(rule: AccessRule): string {
  return `${rule.from} → ${rule.to}${rule.why === null ? "" : ` (${rule.why})`}`;
}

/** The first in the order of their words, so that the order in which they were written changes nothing. */
function firstMatch<R extends AccessRule>(rules: readonly R[], from: LinkEnd, to: LinkEnd): R | undefined {
  const matching = rules.filter((each) => matches(each.from, from) && matches(each.to, to));
  return matching.sort((one, other) => ruleWords(one) < ruleWords(other) ? -1 : 1)[0];
}

function matches(pattern: string, end: LinkEnd): boolean {
  const slash = pattern.indexOf("/");
  if (slash < 0) return pattern === saddr(end.driver, end.endpoint);
  return matchesHalf(pattern.slice(0, slash), end.driver) && matchesHalf(pattern.slice(slash + 1), end.endpoint);
}

/** `*` stands for any run of characters. Greedy with one point of return, so that no pattern takes more than n × m steps. */
export function matchesHalf(pattern: string, text: string): boolean {
  let at = 0;
  let wanted = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[wanted] === "*") {
      star = wanted++;
      resume = at;
    } else if (pattern[wanted] === text[at]) {
      wanted++;
      at++;
    } else if (star >= 0) {
      wanted = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[wanted] === "*") wanted++;
  return wanted === pattern.length;
}
