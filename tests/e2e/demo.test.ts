/** The main job: the demo tells its whole story, and exits 0 only if angle, counters and log agree. */
import { assertEquals } from "@std/assert";

const RTT = new URL("../../dist/rtt", import.meta.url).pathname;

Deno.test("the pole stays up: rtt demo exits 0 with an empty environment", async () => {
  const command = new Deno.Command(RTT, { args: ["demo"], clearEnv: true, env: { PATH: "/usr/bin:/bin" }, cwd: "/" });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
});
