/** The tutorial of the README: every command of it is run, and what it prints is what the README says. */
import { assert, assertEquals } from "@std/assert";

const README = new URL("../../README.md", import.meta.url);
const DIST = new URL("../../dist", import.meta.url).pathname;
/** Stands for any text, within a line or, alone, for any lines. */
const ANY = "…";

interface Command {
  readonly line: string;
  readonly expected: string[];
}

Deno.test("the tutorial's commands print what the README says", async (test) => {
  const commands = parse(Deno.readTextFileSync(README));
  assert(commands.length >= 15, "the README has a tutorial");
  const top = Deno.makeTempDirSync({ prefix: "rtt-readme-" });
  let folder = top;
  try {
    for (const { line, expected } of commands) {
      if (line.startsWith("cd ")) folder = `${folder}/${line.slice(3)}`;
      else await test.step(line, async () => assertMatches(await run(line, folder), expected));
    }
  } finally {
    if (folder !== top) await run("rtt down", folder);
    Deno.removeSync(top, { recursive: true });
  }
});

function parse(markdown: string): Command[] {
  const commands: Command[] = [];
  for (const block of markdown.matchAll(/^```console\n(.*?)^```/gms)) {
    for (const line of (block[1] ?? "").trimEnd().split("\n")) {
      if (line.startsWith("$ ")) commands.push({ line: line.slice(2), expected: [] });
      else commands.at(-1)?.expected.push(line);
    }
  }
  return commands;
}

/** What it printed, and how it exited if that was not 0. Progress goes to a terminal only. */
async function run(line: string, cwd: string): Promise<string[]> {
  const env = { PATH: `${DIST}:${Deno.env.get("PATH")}` };
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", line], cwd, env }).output();
  const text = new TextDecoder().decode(stdout) + (code === 0 ? "" : new TextDecoder().decode(stderr));
  const lines = text === "" ? [] : text.trimEnd().split("\n");
  return code === 0 ? lines : [...lines, `[exit ${code}]`];
}

function assertMatches(lines: readonly string[], expected: readonly string[]): void {
  const pattern = expected.map((line) => line === ANY ? "(?:.*\n)*?" : `${line.split(ANY).map(escape).join(".*?")}\n`)
    .join("");
  const whole = lines.map((line) => `${line}\n`).join("");
  if (!new RegExp(`^${pattern}$`).test(whole)) assertEquals(lines, expected);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
