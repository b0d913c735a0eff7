/** From whatever the world threw to an issue that a person can act on. */
import { type Issue, issue } from "../core/errors.ts";
import { isDiskFull, systemWhy } from "./files.ts";

export function describeUnexpected(thrown: unknown): Issue {
  if (isDiskFull(thrown)) {
    const why = `the disk is full: ${(thrown as Error).message}`;
    return issue("disk.full", `cannot go on because ${why}`, "make room on the disk, then run it again");
  }
  if (thrown instanceof Deno.errors.NotFound) {
    return issue("file.missing", `cannot go on because a file is not there: ${thrown.message}`, "check the path");
  }
  if (thrown instanceof Deno.errors.PermissionDenied) {
    return issue(
      "file.denied",
      `cannot go on because the system denies it: ${thrown.message}`,
      "check who owns the file",
    );
  }
  if (thrown instanceof Error && systemWhy(thrown) !== undefined) {
    return issue("file.unusable", `cannot go on because of a file: ${thrown.message}`, "check the path and the disk");
  }
  const detail = thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown);
  return issue(
    "unexpected",
    `cannot go on because of a fault in rtt: ${detail}`,
    "please report it with the command that you ran",
  );
}
