/** The local API's other end: what commands, and programs through `mod.ts`, say to a running panel. */
import { EXIT, issue, RttError } from "../core/errors.ts";
import { type ActLine, type Refused, ROUTES } from "./api/wire.ts";
import { namesIn } from "./files.ts";
import { type Layout, layout } from "./layout.ts";

export interface Client extends Disposable {
  get(path: string): Promise<unknown>;
  /** Does a thing that takes time; calls `line` for each step; answers the end. */
  act(path: string, body: Uint8Array<ArrayBuffer> | null, line: (line: ActLine) => void): Promise<End>;
}

export type End = Extract<ActLine, { outcome: unknown }>;

/** A client of the panel that serves this project's folder. Nothing is said until the first call. */
export function openClient(dir: string): Client {
  const at = layout(dir);
  if (!isSocket(at.panelSocket, dir)) throw noPanel(dir);
  const { path, folder } = address(at);
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  const call = async (method: string, at: string, body: Uint8Array<ArrayBuffer> | null): Promise<Response> => {
    const response = await fetch(`http://localhost${at}`, { client, method, body }).catch((thrown) => {
      throw /os error 13\b/.test(String(thrown)) ? denied(dir) : noPanel(dir);
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
    [Symbol.dispose]() {
      client.close();
      folder?.close();
    },
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

/** Bytes of a socket's address. */
const ADDRESS_BYTES = 107;

interface Address {
  readonly path: string;
  /** What the path leads through, to be open as long as the path is used. */
  readonly folder?: Deno.FsFile;
}

/** A socket's path may be longer than an address: then by the current folder, or through its own folder's descriptor. */
function address({ panelSocket, run }: Layout): Address {
  const here = `${Deno.cwd()}/`;
  const short = panelSocket.startsWith(here) ? panelSocket.slice(here.length) : panelSocket;
  if (new TextEncoder().encode(short).length <= ADDRESS_BYTES) return { path: short };
  const folder = Deno.openSync(run);
  const real = Deno.realPathSync(run);
  const [number] = namesIn(DESCRIPTORS).filter((each) => leadsTo(`${DESCRIPTORS}/${each}`, real));
  return { path: `${DESCRIPTORS}/${number}/panel.sock`, folder };
}

const DESCRIPTORS = "/proc/self/fd";

function leadsTo(link: string, path: string): boolean {
  try {
    return Deno.readLinkSync(link) === path;
  } catch {
    return false; // It is closed already: the one that listed them.
  }
}

function isSocket(path: string, dir: string): boolean {
  try {
    return Deno.statSync(path).isSocket ?? false;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.PermissionDenied) throw denied(dir);
    return false;
  }
}

function denied(dir: string): RttError {
  const why = `the system denies you the socket of ${dir}`;
  return new RttError(EXIT.refused, [
    issue("panel.denied", `cannot reach a panel because ${why}`, "run it as the user who runs `rtt serve`"),
  ]);
}

export function noPanel(dir: string): RttError {
  return new RttError(EXIT.noPanel, [
    issue("panel.none", `cannot reach a panel because none serves ${dir}`, "start one with `rtt serve`"),
  ]);
}

export { ROUTES };
