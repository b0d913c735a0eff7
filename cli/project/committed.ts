/** What a project's log says is committed, read without a panel and without changing a byte. */
import { initial } from "../../core/apply/state.ts";
import type { Committed, WalRecord } from "../../core/apply/types.ts";
import { type OpenedLog, openLog } from "../../core/apply/wal.ts";
import { demand, EXIT } from "../../core/errors.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { entropy } from "../adapters/entropy.ts";
import { openStore } from "../adapters/store.ts";
import { readIfThere } from "../files.ts";
import type { Layout } from "../layout.ts";

export function readLog(at: Layout): OpenedLog {
  return demand(openLog(readIfThere(at.wal) ?? new Uint8Array(), openCrypto().hasher), EXIT.refused);
}

export function readCommitted(at: Layout): Committed {
  const records: readonly WalRecord[] = readLog(at).records;
  const { hasher } = openCrypto();
  const tools = { hasher, entropy, store: openStore(at.store, hasher), isolated: () => true, project: at.dir };
  return demand(initial(records, tools, { prepareWithinNs: 1 }), EXIT.failed).committed;
}
