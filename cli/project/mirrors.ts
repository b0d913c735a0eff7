/** Whether the rendered files say what the CUE says, and where they do not. */
import { parse } from "@std/yaml";
import { EXIT, type Issue, issue, RttError } from "../../core/errors.ts";
import { type Places, Report } from "../../core/model/parse_node.ts";
import { isObject } from "../../core/model/shape.ts";
import { readIfThere } from "../files.ts";
import type { Layout } from "../layout.ts";
import type { Checked } from "./check.ts";
import { leftOvers, mirrorsOf } from "./render.ts";

export interface MirrorDifference {
  /** Relative to the project. */
  readonly file: string;
  /** `left`: the file of a driver that is no longer declared. */
  readonly kind: "missing" | "broken" | "differs" | "left";
  /** Path inside the file, empty for the whole of it: `drivers.imu.cpu`. */
  readonly path: string;
  /** As JSON; null when that side has nothing there. */
  readonly cue: string | null;
  readonly mirror: string | null;
}

/** Differences shown of one file; who has more renders anew. */
const SHOWN = 8;
const LONGEST_VALUE = 80;

/** Empty when all rendered files are there and agree with the CUE. */
export function compareMirrors(checked: Checked, at: Layout): readonly MirrorDifference[] {
  const differences: MirrorDifference[] = [];
  for (const [file, expected] of mirrorsOf(checked, at)) {
    const found = readIfThere(`${at.dir}/${file}`);
    if (!found) differences.push({ file, kind: "missing", path: "", cue: null, mirror: null });
    else if (!same(found, expected)) differences.push(...compareFile(file, expected, found));
  }
  const left = leftOvers(checked.config, at).filter((file) => file.endsWith(".json"));
  return [...differences, ...left.map((file) => ({ file, kind: "left", path: "", cue: null, mirror: null }) as const)];
}

/** Throws what `mirrorIssues` says of them. What was never rendered is no lie yet; `rtt serve` asks for all of it. */
export function demandMirrors(checked: Checked, at: Layout): void {
  const stale = compareMirrors(checked, at).filter((each) => each.kind !== "missing");
  if (stale.length > 0) throw new RttError(EXIT.refused, mirrorIssues(stale, checked.places));
}

/** For `rtt serve` to refuse with, and for `rtt check` to show. A difference has the place in the CUE that it is from. */
export function mirrorIssues(differences: readonly MirrorDifference[], places: Places): readonly Issue[] {
  const written = new Report(places);
  return differences.map(({ file, kind, path, cue, mirror }) => {
    const start = { file, line: 1, column: 1 };
    const where = kind === "differs" ? written.place(declaredPath(file, path)) ?? start : start;
    const remedy = "write it from the CUE with `rtt render`, then sign it again with `rtt sign`";
    if (kind === "differs") {
      const what = path === "" ? "it" : `\`${path}\``;
      const why = `CUE has ${cue ?? "nothing"} for ${what} and the file has ${mirror ?? "nothing"}`;
      return issue("mirror.differs", `cannot trust \`${file}\` because ${why}`, remedy, where);
    }
    if (kind === "broken") return issue("mirror.broken", `cannot read \`${file}\` because ${mirror}`, remedy, where);
    const why = kind === "left" ? "no such driver is declared" : "it is not there";
    return issue(
      kind === "left" ? "mirror.differs" : "mirror.missing",
      `cannot use \`${file}\` because ${why}`,
      remedy,
      where,
    );
  });
}

/** Where the CUE declares what stands at a path of a mirror; lists may be in another order there. */
function declaredPath(file: string, path: string): string {
  if (file.endsWith("panel.yaml")) return path;
  if (file.endsWith("routes.json")) return path === "" ? "routes" : `routes.${path}`;
  const steps = path.split(".");
  const item = steps.findIndex((each) => /^[0-9]+$/.test(each));
  const plain = (item < 0 ? steps : steps.slice(0, item)).join(".");
  const driver = /^manifests\/(.*)\.json$/.exec(file)?.[1];
  const parent = driver === undefined ? "policy" : `drivers.${driver}`;
  return plain === "" ? parent : `${parent}.${plain}`;
}

function compareFile(file: string, expected: Uint8Array, found: Uint8Array): readonly MirrorDifference[] {
  const [cue, mirror] = [contentOf(file, expected), contentOf(file, found)];
  if ("wrong" in mirror || "wrong" in cue) {
    const wrong = "wrong" in mirror ? mirror.wrong : "it is written otherwise";
    return [{ file, kind: "broken", path: "", cue: null, mirror: wrong }];
  }
  const differences = [...differencesOf(cue.value, mirror.value, "")].slice(0, SHOWN);
  if (differences.length > 0) return differences.map((each) => ({ file, kind: "differs", ...each }));
  // The same value in other bytes: what is hashed and signed is the bytes.
  return [{ file, kind: "broken", path: "", cue: null, mirror: "it is not written as `rtt render` writes it" }];
}

type Content = { readonly value: unknown } | { readonly wrong: string };

function contentOf(file: string, bytes: Uint8Array): Content {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (file.endsWith(".json")) return { value: JSON.parse(text) };
    return { value: file.endsWith(".yaml") ? parse(text, { schema: "core" }) : { text } };
  } catch (thrown) {
    return { wrong: thrown instanceof Error ? thrown.message.split("\n")[0] ?? "" : "it can't be parsed" };
  }
}

interface Difference {
  readonly path: string;
  readonly cue: string | null;
  readonly mirror: string | null;
}

/** The smallest parts that differ, in order of their paths. */
function* differencesOf(cue: unknown, mirror: unknown, path: string): Generator<Difference> {
  const [mine, theirs] = [membersOf(cue), membersOf(mirror)];
  if (mine && theirs && Array.isArray(cue) === Array.isArray(mirror)) {
    for (const name of [...new Set([...mine.keys(), ...theirs.keys()])].sort()) {
      yield* differencesOf(mine.get(name), theirs.get(name), path === "" ? name : `${path}.${name}`);
    }
  } else if (cue !== mirror) yield { path, cue: shown(cue), mirror: shown(mirror) };
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (Array.isArray(value)) return new Map(value.map((each, at) => [String(at), each]));
  return isObject(value) ? new Map(Object.entries(value)) : undefined;
}

function shown(value: unknown): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
