/** Keys by role, and the set of public keys that a panel believes. */
import { issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Hasher, Signer } from "../ports.ts";
import { decodeHex, encodeHex } from "./base64.ts";

/** What a key may sign. */
export const ROLES = ["plan", "manifest", "policy"] as const;
export type Role = typeof ROLES[number];

/** SHA-256 of the 32 bytes of the public key, hexadecimal: derived, never read from a file. */
export type KeyId = string;

export interface PublicKey {
  readonly id: KeyId;
  readonly bytes: Uint8Array;
  readonly roles: readonly Role[];
  readonly comment: string;
  readonly revoked: boolean;
}

export interface SecretKey {
  readonly id: KeyId;
  readonly secret: Uint8Array;
  readonly roles: readonly Role[];
}

/** The keys that a panel believes, by id. Kept in `.rtt/trust.json`. */
export type TrustRoot = ReadonlyMap<KeyId, PublicKey>;

export function keyId(publicKey: Uint8Array, hasher: Hasher): KeyId {
  return hasher.sha256(publicKey);
}

const FORMAT = "rtt-key-1";

/** The JSON of a public key file, and of each entry of the trust root. */
export interface KeyDocument {
  readonly format: typeof FORMAT;
  readonly public: string;
  readonly roles: readonly Role[];
  readonly comment: string;
  readonly revoked?: boolean;
  /** In secret key files (mode 0600) only. */
  readonly secret?: string;
}

export function keyDocument(
  key: { public: Uint8Array; secret?: Uint8Array },
  roles: readonly Role[],
  comment: string,
): KeyDocument {
  const base = { format: FORMAT, public: encodeHex(key.public), roles: [...roles].sort(), comment } as const;
  return key.secret ? { ...base, secret: encodeHex(key.secret) } : base;
}

export function parsePublicKey(document: unknown, file: string, hasher: Hasher, signer: Signer): Result<PublicKey> {
  const fields = keyFields(document);
  if (!fields) return refuse(unreadable(file, "it is no rtt key (format rtt-key-1)"));
  const bytes = decodeHex(fields.public);
  if (!bytes || bytes.length !== 32) return refuse(unreadable(file, "its public key is not 64 hexadecimal digits"));
  if (!signer.acceptable(bytes)) {
    return refuse(issue(
      "key.weak",
      `cannot use the key in ${file} because its point is of small order or has another encoding`,
      "make a new key with `rtt keys new`; anybody can sign for this one",
    ));
  }
  return ok({
    id: keyId(bytes, hasher),
    bytes,
    roles: fields.roles,
    comment: fields.comment,
    revoked: fields.revoked ?? false,
  });
}

export function parseSecretKey(document: unknown, file: string, hasher: Hasher, signer: Signer): Result<SecretKey> {
  const key = parsePublicKey(document, file, hasher, signer);
  if (!key.ok) return key;
  const secret = decodeHex(keyFields(document)?.secret ?? "");
  if (!secret || secret.length !== 32) return refuse(unreadable(file, "it holds no secret key"));
  const derived = signer.keyPair(secret).public;
  if (encodeHex(derived) !== encodeHex(key.value.bytes)) {
    return refuse(unreadable(file, "its secret and public key do not belong together"));
  }
  return ok({ id: key.value.id, secret, roles: key.value.roles });
}

/** The trust root from its parsed JSON: `{keys: [KeyDocument…]}`. */
export function parseTrustRoot(document: unknown, file: string, hasher: Hasher, signer: Signer): Result<TrustRoot> {
  const keys = isObject(document) && Array.isArray(document["keys"]) ? document["keys"] : undefined;
  if (!keys || keys.length > LIMITS.trustedKeys) return refuse(unreadable(file, "it is no list of keys"));
  const root = new Map<KeyId, PublicKey>();
  for (const each of keys) {
    const key = parsePublicKey(each, file, hasher, signer);
    if (!key.ok) return key;
    root.set(key.value.id, key.value);
  }
  return ok(root);
}

function keyFields(document: unknown): KeyDocument | undefined {
  if (!isObject(document) || document["format"] !== FORMAT) return undefined;
  const { public: publicKey, roles, comment, revoked, secret } = document;
  if (typeof publicKey !== "string" || typeof comment !== "string") return undefined;
  if (!Array.isArray(roles) || !roles.every((role): role is Role => ROLES.some((known) => known === role))) {
    return undefined;
  }
  if (revoked !== undefined && typeof revoked !== "boolean") return undefined;
  if (secret !== undefined && typeof secret !== "string") return undefined;
  return {
    format: FORMAT,
    public: publicKey,
    roles,
    comment,
    ...(revoked === undefined ? {} : { revoked }),
    ...(secret === undefined ? {} : { secret }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(file: string, why: string) {
  return issue(
    "key.unreadable",
    `cannot read a key from ${file} because ${why}`,
    "make one with `rtt keys new --role plan`",
  );
}
