/**
 * The merkle-chained log. Its last commit is the truth after a crash, so that it is believed whole or not at all: a tail that
 * was torn by a crash is cut, anything else that is wrong is refused with the record's number.
 *
 * After a failed fsync nobody knows what the disk holds, and asking again would be answered "clean". So the log is poisoned:
 * nothing is appended any more, and the next panel that opens it writes all that it could read into a new, synced file before
 * it acts on any of it (`WalStorage.renew`).
 */
import { type Issue, issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Hash } from "../model/names.ts";
import type { Hasher, WalStorage } from "../ports.ts";
import { canonical } from "../trust/canonical.ts";
import type { Room, WalBody, WalRecord } from "./types.ts";
import { EMPTY_LOG, headAfter, illegal, type LogHead, makeRecord, parseRecord } from "./wal_record.ts";
import { encodeSectors, readSectors, sizeOnDisk } from "./wal_sectors.ts";

export interface OpenedLog {
  readonly records: readonly WalRecord[];
  readonly seq: number;
  /** The hash of the last record: stands for the whole log. */
  readonly root: Hash;
  /** Bytes from the start that hold them. */
  readonly end: number;
  /** Something of an append that was never synced stood behind them. */
  readonly cut: boolean;
  /** A decision that was neither committed nor undone. */
  readonly open: WalRecord | null;
}

/** Checks every byte of a log. Nothing is changed. */
export function openLog(bytes: Uint8Array, hasher: Hasher): Result<OpenedLog> {
  const records: WalRecord[] = [];
  let head: LogHead = EMPTY_LOG;
  let end = 0;
  for (;;) {
    const found = readSectors(bytes, end, hasher);
    if (found.kind === "damaged") return refuse(damaged(head.seq + 1, found.why));
    if (found.kind === "end") {
      return ok({ records, seq: head.seq, root: head.root, end, cut: found.torn, open: head.open });
    }
    const parsed = parseRecord(found.payload, hasher);
    if (!parsed.ok) return refuse(damaged(found.seq, parsed.issues[0]?.message ?? "it can't be read"));
    const why = parsed.value.seq === found.seq
      ? illegal(head, parsed.value)
      : "its sectors carry another seq than it does";
    if (why !== undefined) return refuse(damaged(found.seq, why));
    records.push(parsed.value);
    head = headAfter(head, parsed.value);
    end = found.next;
  }
}

/** The bytes of a log that holds these records, from its first sector on. */
export function encodeLog(records: readonly WalRecord[], hasher: Hasher): Uint8Array {
  const pieces = records.map((each) => encodeRecord(each, hasher));
  const bytes = new Uint8Array(pieces.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function encodeRecord(record: WalRecord, hasher: Hasher): Uint8Array {
  const { seq, body, prev, hash } = record;
  return encodeSectors(seq, canonical({ seq, body, prev, hash }), hasher);
}

export type Appended =
  | { readonly ok: true; readonly record: WalRecord }
  | { readonly ok: false; readonly record: WalRecord; readonly why: string };

export class Log {
  readonly #records: WalRecord[];
  #head: LogHead;
  #end: number;
  #poison: string | undefined;

  private constructor(readonly storage: WalStorage, readonly hasher: Hasher, opened: OpenedLog) {
    this.#records = [...opened.records];
    this.#head = { seq: opened.seq, root: opened.root, open: opened.open };
    this.#end = opened.end;
  }

  /** Reads and checks the log, and makes what was read durable: only then may anybody act on it. */
  static open(storage: WalStorage, hasher: Hasher): Result<Log> {
    const bytes = storage.read();
    const opened = openLog(bytes, hasher);
    if (!opened.ok) return opened;
    try {
      // Even a log without a flaw may be one whose last fsync failed: the page cache shows what the disk does not hold.
      if (bytes.length > 0) storage.renew(bytes.subarray(0, opened.value.end));
    } catch (thrown) {
      return refuse(unwritable(describe(thrown)));
    }
    return ok(new Log(storage, hasher, opened.value));
  }

  get records(): readonly WalRecord[] {
    return this.#records;
  }

  get seq(): number {
    return this.#head.seq;
  }

  get root(): Hash {
    return this.#head.root;
  }

  /** Why nothing can be appended any more; undefined while all is well. */
  get poisoned(): string | undefined {
    return this.#poison;
  }

  /** Makes room for this many bytes behind the last record. */
  reserve(bytes: number): Room {
    if (this.#end + bytes > LIMITS.walBytes) return "noLog";
    if (this.#poison !== undefined) return "noDisk";
    try {
      return this.storage.reserve(this.#end + bytes) ? "made" : "noDisk";
    } catch {
      return "noDisk"; // A storage that can't say has no room.
    }
  }

  /** Appends and syncs. After the first failure the log is poisoned and every further append fails at once. */
  append(body: WalBody): Appended {
    const record = makeRecord(this.#head, body, this.hasher);
    if (this.#poison !== undefined) return { ok: false, record, why: this.#poison };
    const wrong = illegal(this.#head, record);
    if (wrong !== undefined) throw new Error(`bug: record ${record.seq} must not be written because ${wrong}`);
    const sectors = encodeRecord(record, this.hasher);
    try {
      if (this.#end + sectors.length > LIMITS.walBytes) {
        throw new Error(`the log holds ${LIMITS.walBytes} bytes at most`);
      }
      this.storage.write(this.#end, sectors);
      this.storage.sync();
    } catch (thrown) {
      this.#poison = describe(thrown);
      return { ok: false, record, why: this.#poison };
    }
    this.#records.push(record);
    this.#head = headAfter(this.#head, record);
    this.#end += sectors.length;
    return { ok: true, record };
  }
}

/** An upper bound of what the records of one act take, however it ends: D, C or R, and an M for what recovery may find. */
export function roomForAct(driverNames: readonly string[], signers: readonly string[]): number {
  const names = driverNames.reduce((sum, each) => sum + 2 * each.length, 0) + driverNames.length * BYTES_OF_AN_INSTANCE;
  const keys = signers.reduce((sum, each) => sum + each.length + 3, 0);
  const [D, C, R, M] = [BYTES_OF_A_BODY + 2 * names, BYTES_OF_A_BODY + keys, BYTES_OF_A_BODY, BYTES_OF_A_BODY + names];
  return [D, C, R, M].reduce((sum, each) => sum + sizeOnDisk(each), 0);
}

/** Instance number, quotes and separators in canonical JSON. */
const BYTES_OF_AN_INSTANCE = 24;
/** All members of a record but its lists; `why` is cut to `LIMITS.walWhy` characters of at most 6 bytes each. */
const BYTES_OF_A_BODY = 1_024 + 6 * LIMITS.walWhy;

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function damaged(seq: number, why: string): Issue {
  return issue(
    "wal.damaged",
    `cannot believe the log because record ${seq} is damaged: ${why}`,
    "keep the file for evidence; restore the folder from a backup, or begin a new log",
  );
}

function unwritable(why: string): Issue {
  return issue(
    "wal.unwritable",
    `cannot begin because the log can't be made durable: ${why}`,
    "look at the disk, then start again",
  );
}
