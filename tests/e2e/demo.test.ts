/** The main job: the demo tells its whole story, with nothing but the executable, and leaves nothing behind however it ends. */
import { assert, assertEquals } from "@std/assert";
import { Footprint } from "../../cli/demo/footprint.ts";
import { until } from "./process.ts";
import { isRoot, NOBODY, RTT } from "./project.ts";
import { seeded } from "./random.ts";

const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

/** Each in a network namespace without a link that is up. Only root can be somebody else. */
const USERS: readonly (readonly [string, readonly string[]])[] = isRoot
  ? [["as root", ["unshare", "--net"]], ["as an ordinary user", ["unshare", "--net", ...AS_NOBODY]]]
  : [["as an ordinary user", ["unshare", "--user", "--map-current-user", "--net"]]];

interface Step {
  readonly step: string;
  readonly max_deg: number;
  readonly fallen: boolean;
  readonly reports: number;
}

interface Lane {
  readonly step: string;
  readonly from: string;
  readonly to: string;
  readonly frames: number;
  readonly p99_ns: number | null;
  readonly budget_ms: number;
}

/** A folder that its user may write in. */
function folderOf(user: string): string {
  const dir = Deno.makeTempDirSync({ prefix: "rtt-e2e-" });
  if (isRoot && user !== "as root") Deno.chownSync(dir, NOBODY, NOBODY);
  return dir;
}

function demo(by: readonly string[], dir: string): Deno.Command {
  const [program = "", ...args] = [...by, "env", "-i", "HOME=", RTT, "demo", "--json", "--dir", dir];
  return new Deno.Command(program, { args, cwd: "/", stdout: "piped", stderr: "piped" });
}

for (const [user, by] of USERS) {
  Deno.test(`the pole stays up with an empty home and no network, ${user}`, async () => {
    const dir = folderOf(user);
    const footprint = new Footprint(dir);
    const { code, stdout, stderr } = await demo(by, dir).output();
    const decoder = new TextDecoder();
    assertEquals(code, 0, decoder.decode(stdout) + decoder.decode(stderr));
    const lines = decoder.decode(stdout).trimEnd().split("\n").map((line) => JSON.parse(line));
    const report = lines.pop() as { outcome: string; steps: readonly Step[]; lanes: readonly Lane[] };
    assertEquals(report.outcome, "up");
    for (const steps of [lines as readonly Step[], report.steps]) {
      assertEquals(steps.map((each) => each.step).join(""), "abcdefghi");
      assertEquals(steps.filter((each) => each.fallen).map((each) => each.step), ["a"]);
      for (const { step, max_deg, reports } of steps.slice(1)) {
        assert(max_deg < 5 && reports > 0, `(${step}) ${max_deg}°`);
      }
    }
    // Both controllers were measured, and so was the way back.
    const forces = report.lanes.filter((each) => each.to === "plant/force");
    assertEquals(forces.map((each) => [each.step, each.from]), [
      ["b", "awk/force"],
      ["c", "rust/force"],
      ["g", "awk/force"],
      ["h", "awk/force"],
    ]);
    for (const { step, frames, p99_ns, budget_ms } of forces) {
      assert(frames > 0 && (p99_ns ?? 0) > 0 && budget_ms === 5, `(${step}) ${frames} frames, p99 ${p99_ns} ns`);
    }
    assertEquals(footprint.left(), []);
    assertEquals([...Deno.readDirSync(dir)], [], "the demo's folder is gone");
    Deno.removeSync(dir);
  });
}

Deno.test("Ctrl-C in any step ends all that the demo has started", async () => {
  const random = seeded("tests/e2e/demo.test.ts");
  const step = "abcdefghi"[random.below(9)] ?? "a";
  const dir = Deno.makeTempDirSync({ prefix: "rtt-e2e-" });
  const footprint = new Footprint(dir);
  const child = new Deno.Command(RTT, { args: ["demo", "--dir", dir], stdout: "piped", stderr: "inherit" }).spawn();
  let said = "";
  const saying = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) said += chunk;
  })();
  await until(`step (${step})`, () => said.includes(`(${step}) `), 90_000);
  await new Promise((wake) => setTimeout(wake, random.below(step === "i" ? 100 : 1_500)));
  footprint.look();
  assert(footprint.seen.process > 0, "the demo runs");
  child.kill("SIGINT");
  const [{ code }] = await Promise.all([child.status, saying]);
  assertEquals([code, footprint.left(), [...Deno.readDirSync(dir)]], [130, [], []], `in step (${step})`);
  Deno.removeSync(dir);
});
