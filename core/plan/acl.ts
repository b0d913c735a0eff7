/** Who may be wired to whom: `deny` wins over `allow`, and what no rule allows is refused. */
import type { Policy, Rule } from "../model/config.ts";
import type { LinkEnd } from "../model/graph.ts";
import { saddr } from "../model/names.ts";

export type Verdict =
  | { readonly allowed: true; readonly rule: Rule }
  | { readonly allowed: false; readonly rule: Rule | null };

export function judgeAccess(policy: Policy, from: LinkEnd, to: LinkEnd): Verdict {
  const denying = firstMatch(policy.deny, from, to);
  if (denying) return { allowed: false, rule: denying };
  const allowing = firstMatch(policy.allow, from, to);
  return allowing ? { allowed: true, rule: allowing } : { allowed: false, rule: null };
}

/** A rule in its own words, as plans cite it: places would change with the text's layout. */
export function ruleWords(rule: Rule): string {
  return `${rule.from} → ${rule.to}${rule.why === null ? "" : ` (${rule.why})`}`;
}

/** The first in the order of their words, so that the order in which they were written changes nothing. */
function firstMatch(rules: readonly Rule[], from: LinkEnd, to: LinkEnd): Rule | undefined {
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
