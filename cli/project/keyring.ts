/** A project's keys on disk: secret ones in `.rtt/keys`, the trusted public ones in `.rtt/trust.json`. */
import { demand, EXIT, issue, type Result, RttError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { canonical } from "../../core/trust/canonical.ts";
import {
  keyDocument,
  parsePublicKey,
  parseSecretKey,
  parseTrustRoot,
  type PublicKey,
  type Role,
  type SecretKey,
  type TrustRoot,
} from "../../core/trust/keys.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { namesIn, readIfThere, readInput, writeWhole } from "../files.ts";
import type { Layout } from "../layout.ts";

/** The keys that this panel believes; none before the first was trusted. */
export function readTrust(at: Layout): TrustRoot {
  const bytes = readIfThere(at.trust);
  return bytes ? demand(parseTrust(bytes, at), EXIT.badInput) : new Map();
}

export function parseTrust(bytes: Uint8Array, at: Layout): Result<TrustRoot> {
  const { hasher, signer } = openCrypto();
  return parseTrustRoot(parseJson(bytes, at.trust), at.trust, hasher, signer);
}

export function writeTrust(at: Layout, trust: TrustRoot): void {
  demandRoom(at, trust.size);
  const keys = [...trust.values()].sort((a, b) => a.id < b.id ? -1 : 1).map((key) => ({
    ...keyDocument({ public: key.bytes }, key.roles, key.comment),
    revoked: key.revoked,
  }));
  writeWhole(at.trust, canonical({ keys }));
}

/** Refuses to know so many keys: what is written must be read again. */
export function demandRoom(at: Layout, keys: number): void {
  if (keys <= LIMITS.trustedKeys) return;
  const why = `${LIMITS.trustedKeys} keys are known here, the most there may be`;
  throw new RttError(EXIT.refused, [
    issue("key.limit", `cannot trust one more key because ${why}`, `take revoked keys out of ${at.trust}`),
  ]);
}

/** Makes a key from 32 fresh random bytes and writes it; answers where. */
export function makeKey(at: Layout, roles: readonly Role[], comment: string): { file: string; key: PublicKey } {
  const { hasher, signer } = openCrypto();
  const pair = signer.keyPair(crypto.getRandomValues(new Uint8Array(32)));
  const document = keyDocument(pair, roles, comment);
  const key = demand(parsePublicKey(document, "the new key", hasher, signer), EXIT.badInput);
  const file = `${at.keys}/${key.id.slice(0, 16)}.json`;
  writeWhole(file, canonical(document), 0o600);
  return { file, key };
}

export function readPublicKey(file: string): PublicKey {
  const { hasher, signer } = openCrypto();
  return demand(parsePublicKey(parseJson(readInput(file, "the key"), file), file, hasher, signer), EXIT.badInput);
}

/** Secret keys to sign with, and those at hand that are left out. */
export interface SigningKeys {
  readonly keys: readonly SecretKey[];
  readonly skipped: readonly { readonly id: string; readonly why: string }[];
}

/**
 * Those of the project's keyring that this project believes in the role: a signature of any other would have the document
 * refused. A file that is named is used although nobody here trusts it, for a panel elsewhere; never a revoked key.
 */
export function signingKeys(at: Layout, role: Role, file?: string): SigningKeys {
  const trust = readTrust(at);
  const all = secretKeys(at, role, file);
  if (file !== undefined) {
    const revoked = all.find(({ id }) => trust.get(id)?.revoked);
    if (revoked) throw revokedKey(`sign with key ${revoked.id.slice(0, 16)}`);
    return { keys: all, skipped: [] };
  }
  const skipped = all.flatMap(({ id }) => {
    const known = trust.get(id);
    if (!known) return [{ id, why: "it is not trusted here" }];
    if (known.revoked) return [{ id, why: "it is revoked" }];
    return known.roles.includes(role) ? [] : [{ id, why: `it is trusted for ${known.roles.join(", ")} only` }];
  });
  return { keys: all.filter(({ id }) => !skipped.some((each) => each.id === id)), skipped };
}

/** Secret keys at hand that may sign as `role`, believed or not: one named file, or those of the project's keyring. */
export function secretKeys(at: Layout, role: Role, file?: string): readonly SecretKey[] {
  const files = file === undefined ? namesIn(at.keys).map((name) => `${at.keys}/${name}`) : [file];
  const { hasher, signer } = openCrypto();
  const keys = files.map((each) => {
    const bytes = readInput(each, "the key");
    if (((Deno.statSync(each).mode ?? 0) & 0o077) !== 0) throw loose(each);
    return demand(parseSecretKey(parseJson(bytes, each), each, hasher, signer), EXIT.badInput);
  });
  return keys.filter((each) => each.roles.includes(role));
}

export function revokedKey(what: string): RttError {
  return new RttError(EXIT.refused, [
    issue("key.revoked", `cannot ${what} because it was revoked here`, "use another key: `rtt keys new` makes one"),
  ]);
}

function loose(file: string): RttError {
  const remedy = `chmod 600 ${file}, and make a new key if others could read it`;
  return new RttError(EXIT.refused, [
    issue("key.mode", `cannot use the key ${file} because others may read it`, remedy),
  ]);
}

function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new RttError(EXIT.badInput, [
      issue("key.unreadable", `cannot read keys from ${file} because it is not JSON`, "make one with `rtt keys new`"),
    ]);
  }
}
