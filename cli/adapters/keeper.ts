/** Finds the keeper of a project, or starts one. */
import { EXIT, issue, RttError } from "../../core/errors.ts";
import type { KeeperProcess, Native } from "../../ffi/mod.ts";
import { readIfThere } from "../files.ts";
import { KeeperLink } from "./keeper/link.ts";

export { KeeperLink } from "./keeper/link.ts";

/** A new keeper first waits for the cells of one that was killed: at most 5 s (`ffi/keeper/src/limits.rs`). */
const START_WITHIN_MS = 10_000;
/** A keeper that has failed is gone soon after its last words. */
const GONE_WITHIN_MS = 1_000;
/** Of what it said, so much is shown. */
const SAID_BYTES = 1_024;

export interface KeeperParts {
  /** The programs, as the executable carries them. */
  readonly keeper: Uint8Array<ArrayBuffer>;
  readonly drivers: Uint8Array<ArrayBuffer>;
}

export interface KeeperFolders {
  /** Lock and socket: a folder of ours alone. */
  readonly run: string;
  readonly store: string;
  readonly logs: string;
  readonly project: string;
}

export interface Attachment {
  readonly run: string;
  /** The panel's name. */
  readonly panel: string;
}

/** Attaches to the keeper that listens in `run`; undefined when none does. */
export async function attachKeeper(native: Native, { run, panel }: Attachment): Promise<KeeperLink | undefined> {
  return await attach(native, run, panel);
}

/** Attaches to the keeper that is there, or starts one. */
export async function openKeeper(
  native: Native,
  from: Attachment & KeeperFolders & KeeperParts,
): Promise<KeeperLink> {
  const there = await attachKeeper(native, from);
  if (there) return there;
  const process = await startKeeper(native, from);
  const link = await attach(native, from.run, from.panel, process);
  if (!link) throw await failed(process, wordsOf(from));
  return link;
}

/** Starts a keeper and waits until it listens. The caller releases the process. */
export async function startKeeper(native: Native, from: KeeperFolders & KeeperParts): Promise<KeeperProcess> {
  for (const folder of [from.run, from.store, from.logs]) Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { run, store, logs, project } = from;
  const words = wordsOf(from);
  const process = native.startKeeper({ run, store, logs, project, words }, from.keeper, from.drivers);
  if (!(await process.ready(START_WITHIN_MS))) throw await failed(process, words);
  return process;
}

function wordsOf({ logs }: KeeperFolders): string {
  return `${logs}/keeper.txt`;
}

async function attach(
  native: Native,
  run: string,
  panel: string,
  process?: KeeperProcess,
): Promise<KeeperLink | undefined> {
  const link = native.connect(run);
  return link && await KeeperLink.attach(link, panel, process);
}

async function failed(process: KeeperProcess, words: string): Promise<RttError> {
  const exit = await process.exited(GONE_WITHIN_MS);
  process.release();
  const bytes = readIfThere(words) ?? new Uint8Array();
  const said = new TextDecoder().decode(bytes.slice(-SAID_BYTES)).trimEnd().split("\n").at(-1) ?? "";
  const why = exit === undefined
    ? "it does not listen"
    : exit < 0
    ? `signal ${-exit} ended it`
    : `it ended with ${exit}`;
  const code = exit === EXIT.refused ? EXIT.refused : EXIT.failed;
  const message = `cannot start the keeper because ${why}${said ? `; it said: ${said}` : ""}`;
  return new RttError(code, [issue("keeper.start", message, `look at ${words}`)]);
}
