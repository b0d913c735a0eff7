/**
 * A value on its way to becoming a noun: it knows its path, finds the place where the user wrote it, and collects what is
 * wrong. A read that fails says so once and returns something harmless of the right type, so that one mistake hides no
 * other; whoever keeps a noun asks `sound()` first. What is known to be broken already is read in silence.
 */
import { type Issue, issue } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Place } from "./config.ts";
import { suggestion } from "./nearest.ts";
import { isObject } from "./shape.ts";

/** Path of a value (`routes.attitude.from`, list items by index) → where the user wrote it. */
export type Places = ReadonlyMap<string, Place>;

/** For a value whose place nobody knows: it is shown as the start of a file with this name. */
export const NOWHERE: Place = { file: "panel.cue", line: 1, column: 1 };

export class Report {
  readonly issues: Issue[] = [];
  readonly #broken: ReadonlySet<string>;
  /** Paths in which something is wrong, and all paths above them. */
  readonly #unsound = new Set<string>();

  /** `broken`: paths that are not in the value since something is wrong with them, which was said already. */
  constructor(readonly places: Places, broken: readonly string[] = []) {
    this.#broken = new Set(broken);
    for (const path of broken) this.#taint(path);
  }

  isBroken(path: string): boolean {
    return this.#broken.has(path);
  }

  sound(path: string): boolean {
    return !this.#unsound.has(path) && !this.#inBroken(path);
  }

  #inBroken(path: string): boolean {
    for (let at = path; at !== ""; at = above(at)) if (this.#broken.has(at)) return true;
    return false;
  }

  /** The place of the path, or of the nearest path above it. */
  place(path: string): Place | null {
    for (let at = path; at !== ""; at = above(at)) {
      const place = this.places.get(at);
      if (place) return place;
    }
    return null;
  }

  add(code: string, path: string, message: string, remedy: string): void {
    this.issues.push(issue(code, message, remedy, this.place(path)));
    this.#taint(path);
  }

  #taint(path: string): void {
    for (let at = path; !this.#unsound.has(at); at = above(at)) {
      this.#unsound.add(at);
    }
  }
}

/** The path of which it is a part. */
function above(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(".")));
}

export class Node {
  /** Something is wrong with it or with what it is a part of, and that was said. */
  readonly #broken: boolean;

  constructor(readonly value: unknown, readonly path: string, readonly report: Report, inBroken = false) {
    this.#broken = inBroken || report.isBroken(path);
  }

  get place(): Place {
    return this.report.place(this.path) ?? NOWHERE;
  }

  /** Nothing is wrong with it or inside it, as far as it was read. */
  sound(): boolean {
    return this.report.sound(this.path);
  }

  /** `because` is a clause: "its ring is 5000 bytes". */
  refuse(code: string, because: string, remedy: string): void {
    if (this.#broken) return;
    this.report.add(code, this.path, `cannot use \`${this.path}\` because ${because}`, remedy);
  }

  there(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  get(name: string): Node {
    const member = isObject(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined;
    return new Node(member, this.path === "" ? name : `${this.path}.${name}`, this.report, this.#broken);
  }

  /** Members of an object in order of their names. */
  entries(most: number, remedy?: string): readonly (readonly [string, Node])[] {
    if (!isObject(this.value)) return this.#mustBe("an object", []);
    const names = Object.keys(this.value).sort();
    if (names.length > most) this.#tooMany(names.length, most, remedy);
    return names.slice(0, most).map((name) => [name, this.get(name)] as const);
  }

  items(most: number, remedy?: string): readonly Node[] {
    if (!Array.isArray(this.value)) return this.#mustBe("a list", []);
    if (this.value.length > most) this.#tooMany(this.value.length, most, remedy);
    return this.value.slice(0, most).map((each, at) => new Node(each, `${this.path}.${at}`, this.report, this.#broken));
  }

  text(): string {
    if (typeof this.value !== "string") return this.#mustBe("text", "");
    if (!this.value.isWellFormed()) return this.#mustBe("text of whole characters", "");
    return this.value;
  }

  texts(most: number, remedy?: string): readonly string[] {
    return this.items(most, remedy).map((each) => each.text());
  }

  flag(): boolean {
    return typeof this.value === "boolean" ? this.value : this.#mustBe("true or false", false);
  }

  whole(least: number, most: number): number {
    const good = typeof this.value === "number" && Number.isSafeInteger(this.value) && this.value >= least &&
      this.value <= most;
    return good ? Number(this.value) : this.#mustBe(`a whole number from ${least} to ${most}`, least);
  }

  oneOf<const T extends string>(...choices: readonly [T, ...T[]]): T {
    const found = choices.find((each) => each === this.value);
    if (found !== undefined) return found;
    const shown = choices.map((each) => JSON.stringify(each)).join(", ");
    const remedy = typeof this.value === "string"
      ? suggestion(this.value, choices, `write one of ${shown}`)
      : `write one of ${shown}`;
    this.refuse("config.value", `it is ${show(this.value)} and not one of ${shown}`, remedy);
    return choices[0];
  }

  /** Text that a parser takes; `what` with its article and an example: `a duration such as "5ms"`. */
  parsed<T>(parse: (text: string) => T | undefined, what: string): T | undefined {
    const value = typeof this.value === "string" ? parse(this.value) : undefined;
    return value ?? this.#mustBe(what, undefined);
  }

  #mustBe<T>(what: string, instead: T): T {
    this.refuse("config.value", `it is ${show(this.value)} and not ${what}`, `write ${what}`);
    return instead;
  }

  #tooMany(count: number, most: number, remedy = "divide the project"): void {
    this.refuse("config.limit", `it has ${count} entries and the most is ${most}`, remedy);
  }
}

/** A value as a reader recognises it, cut short. */
export function show(value: unknown): string {
  if (value === undefined) return "not there";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Nesting beyond the limit is refused before anything walks over the value. */
export function tooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > LIMITS.jsonDepth) return true;
    level = level.flatMap((each) => typeof each === "object" && each !== null ? Object.values(each) : []);
  }
  return false;
}
