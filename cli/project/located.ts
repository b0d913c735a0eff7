/** For what is wrong with a file that a program wrote: nobody looks for a line in it, and its name must be known. */
import type { Issue } from "../../core/errors.ts";

export function inFile(file: string, issues: readonly Issue[]): readonly Issue[] {
  return issues.map((each) => each.where ? each : { ...each, where: { file, line: 1, column: 1 } });
}
