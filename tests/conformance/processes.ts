/** Other processes for tests: scripts that have the native side at hand, in namespaces of their own if need be. */

export interface Temporary extends Disposable {
  readonly path: string;
}

export function temporary(name = "it"): Temporary {
  const above = Deno.makeTempDirSync({ prefix: "rtt-native-" });
  const path = `${above}/${name}`;
  Deno.mkdirSync(path, { mode: 0o700 });
  return { path, [Symbol.dispose]: () => Deno.removeSync(above, { recursive: true }) };
}

const ROOT = new URL("../../", import.meta.url).pathname;

/** A program that runs this text with `native` open. */
export function script(text: string): readonly string[] {
  const modules = ["ffi/mod.ts", "cli/adapters/keeper.ts", "cli/adapters/wal.ts", "cli/parts.ts"].map((each) =>
    ROOT + each
  );
  const program = `
    const loaded = await Promise.all(${JSON.stringify(modules)}.map((each) => import(each)));
    const [{ openNative }, { openKeeper }, { openWalFile }, { readPart }] = loaded;
    const native = openNative(readPart("librtt_panel.so"));
    const places = (dir) => ({
      run: dir + "/.rtt/run", store: dir + "/.rtt/store", logs: dir + "/.rtt/logs", project: dir, panel: "test",
      keeper: readPart("rtt-keeper"), drivers: readPart("rtt-drivers"),
    });
    void openKeeper, openWalFile, places;
    ${text}`;
  return [Deno.execPath(), "eval", "--quiet", "--ext=js", `--config=${ROOT}deno.json`, program];
}

/** The command in new namespaces, by `unshare` of util-linux. */
export function inNamespaces(options: readonly string[], command: readonly string[]): readonly string[] {
  return ["unshare", ...options, ...command];
}

export interface Ended {
  readonly code: number;
  /** What it wrote to its standard output, without the last line feed. */
  readonly said: string;
}

export async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const [program = "", ...args] = command;
  const { code, stdout } = await new Deno.Command(program, { args: [...args], env, stdout: "piped", stderr: "null" })
    .output();
  return { code, said: new TextDecoder().decode(stdout).trimEnd() };
}
