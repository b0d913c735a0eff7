/** From a project's folder to its declaration, or to everything that is wrong with it, all at once. */
import { type Issue, ok, refuse, type Result } from "../../core/errors.ts";
import type { Config } from "../../core/model/config.ts";
import type { KindOf } from "../../core/model/crosscheck_files.ts";
import { readConfig } from "../../core/model/parse.ts";
import type { Places } from "../../core/model/parse_node.ts";
import { checkRoutes } from "../../core/plan/check.ts";
import type { CueValidator } from "../adapters/cue.ts";
import { kindIn, type ProjectFiles, readProject, strays } from "./project.ts";

export interface Checked {
  readonly config: Config;
  /** What CUE made of the files: plain JSON with all defaults. The mirrors show it. */
  readonly value: unknown;
  /** Where each part of the value was written. */
  readonly places: Places;
  readonly files: ProjectFiles;
  /** The text of the schema that they were judged by. */
  readonly schema: string;
}

/** Reads, evaluates and judges the project in a folder. With `null` for `kindOf` no program or file is asked for. */
export async function checkProject(
  dir: string,
  validator: CueValidator,
  kindOf: KindOf | null = kindIn(dir),
): Promise<Result<Checked>> {
  const files = readProject(dir);
  if (!files.ok) return files;
  const checked = await checkFiles(files.value, validator, kindOf ?? undefined);
  const stray = strays(dir);
  if (stray.length === 0) return checked;
  return refuse(...inOrder([...stray, ...checked.ok ? [] : checked.issues]));
}

/** The same for files that are at hand; without `kindOf` no program or file is asked for. */
export async function checkFiles(
  files: ProjectFiles,
  validator: CueValidator,
  kindOf?: KindOf,
): Promise<Result<Checked>> {
  const { value, places, broken, issues, schema } = await validator.evaluateAll(files);
  if (Object.keys(value as Record<string, unknown>).length === 0) return refuse(...issues);
  const reading = readConfig(value, places, kindOf ? { broken, kindOf } : { broken });
  const all = inOrder([...issues, ...reading.issues, ...checkRoutes(reading.config)]);
  return all.length === 0 ? ok({ config: reading.config, value, places, files, schema }) : refuse(...all);
}

/** As a reader meets them; what was said of one place by two judges is said once. */
function inOrder(issues: readonly Issue[]): readonly Issue[] {
  const key = ({ code, message, where }: Issue) => `${code} ${message} ${where?.file} ${where?.line} ${where?.column}`;
  return [...new Map(issues.map((each) => [key(each), each])).values()].sort(byPlace);
}

function byPlace(one: Issue, other: Issue): number {
  if (!one.where || !other.where) return Number(!one.where) - Number(!other.where);
  if (one.where.file !== other.where.file) return one.where.file < other.where.file ? -1 : 1;
  return one.where.line - other.where.line || one.where.column - other.where.column;
}
