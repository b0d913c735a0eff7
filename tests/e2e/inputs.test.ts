/** Paths that a command is given and that lead nowhere: bad usage, with one code, and never a fault in rtt. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { isRoot, NOBODY, ORDINARY, Project } from "./project.ts";

/** Commands that read a file, with the path as `F`. */
const READERS = [
  "apply F",
  "show F",
  "explain load --plan F",
  "explain load --facts F",
  "plan --facts F",
  "plan --key F",
  "sign F",
  "sign --key F",
  "keys trust F",
];

function own(path: string): void {
  if (isRoot) Deno.chownSync(path, NOBODY, NOBODY);
}

Deno.test("a path that can't be read is exit 2 with one code, whatever the command and whatever is there", async (t) => {
  await using project = await Project.signed({}, ORDINARY);
  for (const name of ["folder", "locked"]) Deno.mkdirSync(project.path(name));
  project.write("denied", "{}");
  project.write("locked/file", "{}");
  for (const name of ["folder", "denied", "locked"]) own(project.path(name));
  for (const name of ["denied", "locked"]) Deno.chmodSync(project.path(name), 0);
  const wrongs: readonly (readonly [string, string])[] = [
    ["nothing", "it is not there"],
    ["folder", "it is a folder"],
    ["denied", "this user may not"],
    ["locked/file", "this user may not"],
    ["denied/file", "a part of the path is no folder"],
  ];
  for (const reader of READERS) {
    await t.step(reader, async () => {
      for (const [name, why] of wrongs) {
        const path = project.path(name);
        const args = reader.split(" ").map((word) => word === "F" ? path : word);
        const [problem, ...more] = await project.refuses(2, ...args);
        assertEquals([problem?.code, more.length], ["input.unreadable", 0], `${args.join(" ")}: ${problem?.message}`);
        assertStringIncludes(problem?.message ?? "", why);
      }
    });
  }

  const writers = [["init", project.path("denied")], ["init", project.path("locked/new")], [
    "init",
    project.path("denied/new"),
  ]];
  for (const args of [...writers, ["scan", "--export", project.path("locked/facts")], ["scan", "--export", "folder"]]) {
    await t.step(args.join(" ").replaceAll(`${project.dir}/`, ""), async () => {
      assertEquals((await project.refuses(2, ...args)).map(({ code }) => code), ["output.unwritable"]);
    });
  }
  Deno.chmodSync(project.path("locked"), 0o700);
});
