// The @std names must load in the compiled executable too: a program of one line for each is compiled and run.
import { assertEquals } from "@std/assert";

const PROGRAM = `
import { assertEquals } from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { encodeHex } from "@std/encoding/hex";
import { stripAnsiCode, red } from "@std/fmt/colors";
import { stringify } from "@std/yaml";
assertEquals(parseArgs(["--a"]).a, true);
assertEquals(timingSafeEqual(new Uint8Array(1), new Uint8Array(1)), true);
console.log(encodeHex(new Uint8Array([7])), stripAnsiCode(red("x")), stringify({ a: 1 }).trim());
`;

Deno.test("the @std names load in a compiled program", async () => {
  const root = new URL("../../", import.meta.url);
  const folder = Deno.makeTempDirSync({ prefix: "std-compiled-" });
  try {
    // A project of its own, with the packages and the lock of this one.
    for (const name of ["deno.json", "deno.lock"]) Deno.copyFileSync(new URL(name, root), `${folder}/${name}`);
    await new Deno.Command("cp", { args: ["-r", "--parents", "tools/std", "tools/lint", folder], cwd: root }).output();
    Deno.writeTextFileSync(`${folder}/main.ts`, PROGRAM);
    const compiled = await new Deno.Command("deno", {
      args: ["compile", "--quiet", "--frozen", "--no-code-cache", "--output", `${folder}/program`, "main.ts"],
      cwd: folder,
    }).output();
    assertEquals(new TextDecoder().decode(compiled.stderr), "");
    const ran = await new Deno.Command(`${folder}/program`, { cwd: "/", env: { NO_COLOR: "1" } }).output();
    assertEquals(new TextDecoder().decode(ran.stderr), "");
    assertEquals(new TextDecoder().decode(ran.stdout), "07 x a: 1\n");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
