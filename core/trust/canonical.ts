/**
 * Canonical bytes (RFC 8785): one value, one sequence of bytes. Everything that is hashed or signed goes through here, and
 * what is read back must be its own canonical form, so that duplicate keys, other spellings of a number and stray blanks
 * can't hide behind a parser's tolerance.
 */
import { type Issue, issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const encoder = new TextEncoder();

/** The canonical bytes of a JSON value. A number that JSON can't carry exactly is a bug of the caller. */
export function canonical(value: unknown): Uint8Array {
  return encoder.encode(canonicalText(value));
}

export function canonicalText(value: unknown): string {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw new Error("bug: a lone surrogate has no canonical form");
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) {
        throw new Error(`bug: the number ${value} has no canonical form`);
      }
      return JSON.stringify(value);
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
      return canonicalObject(value as Record<string, unknown>);
    default:
      throw new Error(`bug: a ${typeof value} has no canonical form`);
  }
}

/** Keys in UTF-16 code unit order, as RFC 8785 asks, which is how JavaScript sorts. */
function canonicalObject(value: Readonly<Record<string, unknown>>): string {
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${canonicalText(key)}:${canonicalText(member)}`);
  }
  return `{${members.join(",")}}`;
}

/** The value of bytes that are their own canonical form; anything else is refused with `code`. */
export function parseCanonical(bytes: Uint8Array, what: string, code: string): Result<unknown> {
  const wrong = (why: string): Result<unknown> => refuse(notCanonical(code, what, why));
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return wrong("its bytes are not UTF-8");
  }
  if (nesting(text) > LIMITS.jsonDepth) return wrong(`it is nested deeper than ${LIMITS.jsonDepth}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong("it is not JSON");
  }
  const exact = exactNumbers(value);
  if (!exact) return wrong("it holds a number beyond ±2^53");
  if (!wellFormed(value) || canonicalText(value) !== text) {
    return wrong("it is not in its canonical form (duplicate keys, order, blanks or escapes)");
  }
  return ok(value);
}

function notCanonical(code: string, what: string, why: string): Issue {
  return issue(code, `cannot read ${what} because ${why}`, "write it again with rtt; do not edit it by hand");
}

/** Deepest nesting of brackets outside strings: asked before parsing, so that no input overflows a stack. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (inString) {
      if (char === 0x5c) at++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (char === 0x7d || char === 0x5d) depth--;
  }
  return deepest;
}

function exactNumbers(value: unknown): boolean {
  return everyLeaf(value, (leaf) => typeof leaf !== "number" || Math.abs(leaf) <= Number.MAX_SAFE_INTEGER);
}

function wellFormed(value: unknown): boolean {
  return everyLeaf(value, (leaf) => typeof leaf !== "string" || leaf.isWellFormed());
}

function everyLeaf(value: unknown, holds: (leaf: unknown) => boolean): boolean {
  if (Array.isArray(value)) return value.every((each) => everyLeaf(each, holds));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).every(([key, each]) => holds(key) && everyLeaf(each, holds));
  }
  return holds(value);
}
