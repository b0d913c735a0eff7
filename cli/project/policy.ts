/** policy.json as the panel reads it: what it holds every plan and every driver to, whoever signed those. */
import { count, flag, list, matching, object, oneOf, optional, text } from "../../core/model/shape.ts";
import { LIMITS } from "../../core/limits.ts";

export interface PolicyDocument {
  readonly strict: boolean;
  readonly allow: readonly SignedRule[];
  readonly deny: readonly SignedRule[];
  readonly sign: { readonly plan: number; readonly manifest: number; readonly policy: number };
  readonly network: readonly string[];
  readonly waive: readonly Waived[];
}

export interface SignedRule {
  readonly from: string;
  readonly to: string;
  /** Left out where none was given. */
  readonly why?: string;
}

export interface Waived {
  readonly driver: string;
  readonly what: "isolation";
  readonly why: string;
  readonly until: string;
}

const RULE = object({ from: text, to: text, why: optional(text) });

const POLICY = object({
  strict: flag,
  allow: list(RULE, LIMITS.rules),
  deny: list(RULE, LIMITS.rules),
  network: list(text, LIMITS.drivers),
  fanout: list(text, LIMITS.routes),
  sign: object({ plan: count, manifest: count, policy: count }),
  waive: list(
    object({ driver: text, what: oneOf("isolation"), why: text, until: matching(/^\d{4}-\d{2}-\d{2}$/) }),
    LIMITS.rules,
  ),
});

/** The policy of parsed JSON, or undefined when it is not as `rtt render` writes it. Thresholds are at least one. */
export function parsePolicy(value: unknown): PolicyDocument | undefined {
  if (POLICY(value) !== undefined) return undefined;
  const policy = value as PolicyDocument;
  return Object.values(policy.sign).every((need) => need >= 1) ? policy : undefined;
}
