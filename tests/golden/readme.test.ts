/** The tutorial of the README: every command of it is run, and what it prints is what the README says. */
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;
const README = `${ROOT}README.md`;
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
  const shell = new Shell(top);
  try {
    for (const { line, expected } of commands) {
      await test.step(line, async () => assertMatches(await shell.run(line), expected));
    }
  } finally {
    if (shell.folder !== top) await shell.run("rtt down");
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

/** A shell that keeps its folder and its PATH from line to line, and begins as the README says: beside the executable. */
class Shell {
  #path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

  /** What the tutorial makes, it makes here and not in this tree. */
  constructor(public folder: string) {}

  /** What it printed, and how it exited if that was not 0. Progress goes to a terminal only. */
  async run(line: string): Promise<string[]> {
    if (line.startsWith("cd ")) {
      this.folder = `${this.folder}/${line.slice(3)}`;
      return [];
    }
    const setsPath = line.startsWith("export PATH=");
    const args = ["-c", setsPath ? `${line}; printf '%s\\n' "$PATH"` : line];
    const options = { args, cwd: setsPath ? ROOT : this.folder, env: { PATH: this.#path } };
    const { code, stdout, stderr } = await new Deno.Command("sh", options).output();
    const text = new TextDecoder().decode(stdout) + (code === 0 ? "" : new TextDecoder().decode(stderr));
    const lines = text === "" ? [] : text.trimEnd().split("\n");
    if (setsPath) this.#path = lines.pop() ?? "";
    return code === 0 ? lines : [...lines, `[exit ${code}]`];
  }
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
