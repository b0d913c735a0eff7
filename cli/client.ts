/** The local API's other end: what commands, and programs through `mod.ts`, say to a running panel. */
import { EXIT, issue, RttError } from "../core/errors.ts";
import { type ActLine, type Refused, ROUTES } from "./api/wire.ts";
import { layout } from "./layout.ts";

export interface Client extends Disposable {
  get(path: string): Promise<unknown>;
  /** Does a thing that takes time; calls `line` for each step; answers the end. */
  act(path: string, body: Uint8Array<ArrayBuffer> | null, line: (line: ActLine) => void): Promise<End>;
}

export type End = Extract<ActLine, { outcome: unknown }>;

/** A client of the panel that serves this project's folder. Nothing is said until the first call. */
export function openClient(dir: string): Client {
  const path = layout(dir).panelSocket;
  if (!isSocket(path)) throw noPanel(dir);
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: shortPath(path) } });
  const call = async (method: string, at: string, body: Uint8Array<ArrayBuffer> | null): Promise<Response> => {
    const response = await fetch(`http://localhost${at}`, { client, method, body }).catch(() => {
      throw noPanel(dir);
    });
    if (response.ok) return response;
    const refused: Refused = await response.json();
    throw new RttError(refused.exit, refused.issues);
  };
  return {
    get: async (at) => await (await call("GET", at, null)).json(),
    async act(at, body, line) {
      const response = await call("POST", at, body);
      for await (const each of lines(response)) {
        if ("outcome" in each) return each;
        line(each);
      }
      throw new RttError(EXIT.failed, [
        issue(
          "panel.gone",
          "cannot say how it ended because the panel went away",
          "`rtt serve` recovers; then look at `rtt status` and `rtt history`",
        ),
      ]);
    },
    [Symbol.dispose]: () => client.close(),
  };
}

async function* lines(response: Response): AsyncGenerator<ActLine> {
  let rest = "";
  try {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      for (const each of parts) yield JSON.parse(each) as ActLine;
    }
  } catch (thrown) {
    // The panel died in the middle: the caller says so.
    if (!(thrown instanceof TypeError) && !(thrown instanceof Deno.errors.Http)) throw thrown;
  }
}

/** A socket's path holds 107 bytes at most; below the current folder it may be shorter. */
function shortPath(path: string): string {
  const relative = path.startsWith(`${Deno.cwd()}/`) ? path.slice(Deno.cwd().length + 1) : path;
  return relative.length < path.length ? relative : path;
}

function isSocket(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket ?? false;
  } catch {
    return false;
  }
}

export function noPanel(dir: string): RttError {
  return new RttError(EXIT.noPanel, [
    issue("panel.none", `cannot reach a panel because none serves ${dir}`, "start one with `rtt serve`"),
  ]);
}

export { ROUTES };
