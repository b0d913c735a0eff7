// A leak scan that finds nothing must be one that would find something: each kind is left behind once, on purpose.
import { assertEquals } from "@std/assert";
import { leaks, snapshot } from "./leaks.ts";

/** Other programs may come and go meanwhile: only what this test made counts. */
const MADE = /leak-scan|left-behind/;
const kinds = (found: readonly string[]): string[] =>
  [...new Set(found.filter((line) => MADE.test(line)).map((line) => line.split(":")[0] ?? ""))].sort();

Deno.test("a process, a bound socket and files left behind are found, and nothing once they are gone", async () => {
  const folder = Deno.makeTempDirSync({ dir: "/tmp", prefix: "leak-scan-" });
  const before = snapshot();
  const program = `${folder}/rtt-left-behind`;
  Deno.copyFileSync("/bin/sleep", program);
  const child = new Deno.Command(program, { args: ["60"] }).spawn();
  const listener = Deno.listen({ transport: "unix", path: `${folder}/panel.sock` });
  const shared = Deno.makeTempFileSync({ dir: "/dev/shm", prefix: "leak-scan-" });
  const temporary = Deno.makeTempDirSync({ dir: "/tmp", prefix: "rtt-leak-scan-" });
  try {
    assertEquals(kinds(leaks(before)), ["process", "shared memory", "socket", "temporary file"]);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    listener.close();
    for (const path of [shared, temporary, folder]) Deno.removeSync(path, { recursive: true });
  }
  assertEquals(leaks(before).filter((line) => MADE.test(line)), []);
});

Deno.test("a memfd of ours is found", async () => {
  const before = snapshot();
  const script = "import os,sys; os.memfd_create('rtt-leak-scan'); print('made', flush=True); sys.stdin.read()";
  const child = new Deno.Command("python3", { args: ["-c", script], stdin: "piped", stdout: "piped" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const found = leaks(before).filter((line) => line.includes("rtt-leak-scan"));
  await reader.cancel();
  await child.stdin.close();
  await child.status;
  assertEquals(kinds(found), ["memfd"]);
});
