/**
 * What is written from the CUE: mirrors of it for people and programs that read no CUE (`.rtt/panel.yaml`,
 * `.rtt/routes.json`), and what is signed and planned from (`policy.json`, `manifests/`). Same declaration, same bytes,
 * in whatever order and in however many files it was written. A file that is right already is not touched.
 */
import { stringify } from "@std/yaml";
import type { Config, Policy, Rule } from "../../core/model/config.ts";
import { manifestOf } from "../../core/model/manifest.ts";
import { isObject } from "../../core/model/shape.ts";
import { canonical, canonicalText } from "../../core/trust/canonical.ts";
import { namesIn, readIfThere, removeIfThere, writeWhole } from "../files.ts";
import { type Layout, layout } from "../layout.ts";
import type { Checked } from "./check.ts";
import { SCHEMA_COPY } from "./project.ts";

export interface Rendered {
  /** Paths relative to the project, sorted. */
  readonly written: readonly string[];
  readonly unchanged: readonly string[];
  /** Manifests of drivers that are no longer declared, with their signatures. */
  readonly removed: readonly string[];
}

/** Widest line of the YAML mirror. */
const LINE_WIDTH = 120;
const encoder = new TextEncoder();

/** Writes what has changed; every file is whole or not there at any time. */
export function renderProject(checked: Checked, at: Layout): Rendered {
  const written: string[] = [];
  const unchanged: string[] = [];
  for (const [path, bytes] of mirrorsOf(checked, at)) {
    const changed = writeWhole(`${at.dir}/${path}`, bytes);
    (changed ? written : unchanged).push(path);
  }
  const removed = leftOvers(checked.config, at);
  for (const path of removed) removeIfThere(`${at.dir}/${path}`);
  return { written, unchanged, removed };
}

/** Path relative to the project → the bytes that it must have; sorted by path. */
export function mirrorsOf({ config, value, schema }: Checked, at: Layout): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([
    [at.panelMirror, panelMirror(value)],
    [at.routesMirror, routesMirror(value)],
    [at.policy, policyBytes(config)],
  ]);
  for (const [name, driver] of config.drivers) {
    files.set(`${at.manifests}/${name}.json`, canonical(manifestOf(driver, config.contracts)));
  }
  const copy = `${at.dir}/${SCHEMA_COPY}`;
  if (readIfThere(copy)) files.set(copy, encoder.encode(schema));
  const relative = [...files].map(([path, bytes]) => [path.slice(at.dir.length + 1), bytes] as const);
  return new Map(relative.sort(([one], [other]) => one < other ? -1 : 1));
}

/** Files of `manifests/` that no declared driver has. */
export function leftOvers(config: Config, at: Layout): readonly string[] {
  const folder = at.manifests.slice(at.dir.length + 1);
  return namesIn(at.manifests)
    .filter((name) => /\.json(\.sig)?$/.test(name))
    .filter((name) => !config.drivers.has(name.replace(/\.json(\.sig)?$/, "") as never))
    .map((name) => `${folder}/${name}`);
}

/** The panel, its contracts and its drivers, with every default, as YAML. */
function panelMirror(value: unknown): Uint8Array {
  const { panel, contracts, drivers } = isObject(value) ? value : {};
  const head =
    "# Written by `rtt render` from the .cue files; change those. `rtt serve` refuses when the two disagree.\n";
  const body = stringify({ panel, contracts, drivers }, { schema: "core", sortKeys: true, lineWidth: LINE_WIDTH });
  return encoder.encode(head + body);
}

function routesMirror(value: unknown): Uint8Array {
  return canonical(isObject(value) ? value["routes"] : {});
}

/** The policy's canonical bytes. The order of rules means nothing, and so it is always the same. */
export function policyBytes(config: Config): Uint8Array {
  return canonical(policyDocument(config.policy));
}

function policyDocument(policy: Policy) {
  const rules = (list: readonly Rule[]) =>
    inOrder(list.map(({ from, to, why }) => why === null ? { from, to } : { from, to, why }));
  return {
    strict: policy.strict,
    allow: rules(policy.allow),
    deny: rules(policy.deny),
    network: inOrder(policy.network),
    fanout: inOrder(policy.fanout),
    sign: { plan: policy.sign.plan, manifest: policy.sign.manifest, policy: policy.sign.policy },
    waive: inOrder(policy.waive.map(({ driver, what, why, until }) => ({ driver, what, why, until }))),
  };
}

/** Sorted by canonical text, nothing twice. */
function inOrder<T>(items: readonly T[]): readonly T[] {
  const byText = new Map(items.map((each) => [canonicalText(each), each]));
  return [...byText].sort(([one], [other]) => one < other ? -1 : 1).map(([, each]) => each);
}

/** For users of the library, who know the folder and not its layout. */
export function renderFolder(checked: Checked, dir: string): Rendered {
  return renderProject(checked, layout(dir));
}
