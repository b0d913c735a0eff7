/** How many cases a gate ran, read from what it printed or from the files that it looked at. */

/** `output`: a pattern whose first group is a number of cases; all matches are summed. `files`: each matching file is one. */
export type Counting =
  | { readonly denoTest: true }
  | { readonly cargoTest: true }
  | { readonly output: string }
  | { readonly files: readonly string[] };

/** The `count` of a row of gates.json, checked. */
export function asCounting(value: Readonly<Record<string, unknown>>): Counting {
  if (value.denoTest === true) return { denoTest: true };
  if (value.cargoTest === true) return { cargoTest: true };
  if (typeof value.output === "string") return { output: value.output };
  if (Array.isArray(value.files)) return { files: value.files.map(String) };
  throw new Error(`cannot count by ${JSON.stringify(value)} because it is none of denoTest, cargoTest, output, files`);
}

export interface Counted {
  readonly passed: number;
  readonly failed: number;
  /** Why the gate failed where its own output does not say it; else "". */
  readonly why: string;
}

const NOT_SOURCES = new Set([".git", "dist", "target", "node_modules", "generated", ".rtt"]);

/** Sum of the first groups of all matches. */
function sum(output: string, pattern: RegExp): number {
  let total = 0;
  for (const match of output.matchAll(pattern)) total += Number(match[1]);
  return total;
}

/** Paths of all source files below `folder` that one of the endings (`**` + `/*.ts`) matches, sorted. */
export function sourceFiles(folder: URL, patterns: readonly string[]): string[] {
  const endings = patterns.map((pattern) => {
    if (!pattern.startsWith("**/*")) {
      throw new Error(`cannot count ${pattern} because it is not of the form **/*.ending`);
    }
    return pattern.slice("**/*".length);
  });
  const found: string[] = [];
  const visit = (at: URL): void => {
    for (const entry of Deno.readDirSync(at)) {
      if (entry.isDirectory && !NOT_SOURCES.has(entry.name)) visit(new URL(`${entry.name}/`, at));
      else if (entry.isFile && endings.some((ending) => entry.name.endsWith(ending))) {
        found.push(decodeURIComponent(new URL(entry.name, at).pathname.slice(folder.pathname.length)));
      }
    }
  };
  visit(folder);
  return found.sort();
}

function raw(counting: Counting, output: string, root: URL): { passed: number; failed: number; skipped: number } {
  if ("denoTest" in counting) {
    return {
      passed: sum(output, /^(?:ok|FAILED) \| (\d+) passed/gm),
      failed: sum(output, /^(?:ok|FAILED) \| .*?(\d+) failed/gm),
      skipped: sum(output, /^(?:ok|FAILED) \| .*?(\d+) ignored/gm) +
        sum(output, /^(?:ok|FAILED) \| .*?(\d+) filtered out/gm),
    };
  }
  if ("cargoTest" in counting) {
    return {
      passed: sum(output, /^test result: .*?(\d+) passed/gm),
      failed: sum(output, /^test result: .*?(\d+) failed/gm),
      skipped: sum(output, /^test result: .*?(\d+) ignored/gm),
    };
  }
  if ("files" in counting) return { passed: sourceFiles(root, counting.files).length, failed: 0, skipped: 0 };
  return { passed: sum(output, new RegExp(counting.output, "gm")), failed: 0, skipped: 0 };
}

/** A gate that ended badly has at least one failed case; one that ran nothing, or skipped a case, has failed too. */
export function countCases(counting: Counting, output: string, ok: boolean, root: URL): Counted {
  const { passed, failed, skipped } = raw(counting, output, root);
  if (skipped > 0) return { passed, failed: failed + skipped, why: `${skipped} cases were skipped` };
  if (failed > 0) return { passed, failed, why: "" };
  if (!ok) return { passed: "files" in counting ? 0 : passed, failed: 1, why: "" };
  if (passed === 0) return { passed, failed: 1, why: "it ran no case" };
  return { passed, failed, why: "" };
}
