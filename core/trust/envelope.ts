/** DSSE envelopes of in-toto statements: a signature is over what it says and about which bytes it says it. */
import { type Issue, issue, ok, refuse, type Result } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Hash } from "../model/names.ts";
import type { Envelope } from "../model/plan.ts";
import type { Signer } from "../ports.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { canonical, parseCanonical } from "./canonical.ts";
import type { KeyId, Role, SecretKey, TrustRoot } from "./keys.ts";

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/** What a statement says of its subject. `endorse`: these bytes may be used as the role says. */
export const PREDICATES = {
  plan: "urn:rtt:grant:1",
  manifest: "urn:rtt:manifest:1",
  policy: "urn:rtt:policy:1",
} as const;

export interface Statement {
  readonly subject: Hash;
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** A statement that was signed, with the ids of the keys whose signature over it is good and that may sign it. */
export interface Believed extends Statement {
  readonly signers: readonly KeyId[];
}

/** Signs a statement about the bytes with this hash. */
export function seal(
  role: Role,
  subject: Hash,
  predicate: unknown,
  keys: readonly SecretKey[],
  signer: Signer,
): Envelope {
  const payload = canonical({
    _type: STATEMENT_TYPE,
    subject: [{ name: role, digest: { sha256: subject } }],
    predicateType: PREDICATES[role],
    predicate,
  });
  const message = preAuthentication(payload);
  return {
    payloadType: PAYLOAD_TYPE,
    payload: encodeBase64(payload),
    signatures: keys.map((key) => ({ keyid: key.id, sig: encodeBase64(signer.sign(key.secret, message)) })),
  };
}

/** The same payload with one more signature. */
export function cosign(envelope: Envelope, key: SecretKey, signer: Signer): Envelope | undefined {
  const payload = decodeBase64(envelope.payload);
  if (!payload || envelope.signatures.some((each) => each.keyid === key.id)) return undefined;
  const sig = encodeBase64(signer.sign(key.secret, preAuthentication(payload)));
  return { ...envelope, signatures: [...envelope.signatures, { keyid: key.id, sig }] };
}

/**
 * Believes an envelope, or says which rule it breaks. Every signature in it must be good: one bad signature refuses the
 * whole, so that no bit of a signed file is without meaning.
 */
export function open(envelope: Envelope, role: Role, trust: TrustRoot, signer: Signer): Result<Believed> {
  const payload = decodeBase64(envelope.payload);
  if (envelope.payloadType !== PAYLOAD_TYPE || !payload) return bad(role, "its payload can't be read");
  if (envelope.signatures.length === 0) return refuse(unsigned(role));
  if (envelope.signatures.length > LIMITS.signaturesOfAnEnvelope) return bad(role, "it has too many signatures");
  const statement = parseStatement(payload, role);
  if (!statement.ok) return statement;
  const message = preAuthentication(payload);
  const signers = new Set<KeyId>();
  for (const { keyid, sig } of envelope.signatures) {
    const key = trust.get(keyid);
    if (!key) {
      return refuse(issue(
        `${role}.key.unknown`,
        `cannot accept the ${role} because key ${keyid.slice(0, 16)} is not trusted by this panel`,
        "add the public key with `rtt keys trust FILE`, or sign with a trusted key",
      ));
    }
    if (key.revoked) {
      return refuse(
        issue(
          `${role}.key.revoked`,
          `cannot accept the ${role} because key ${keyid.slice(0, 16)} is revoked`,
          "sign with another key",
        ),
      );
    }
    const signature = decodeBase64(sig);
    if (!signature || !signer.verify(key.bytes, message, signature)) {
      return bad(role, `the signature of key ${keyid.slice(0, 16)} is wrong`);
    }
    if (!key.roles.includes(role)) {
      return refuse(issue(
        `${role}.key.role`,
        `cannot accept the ${role} because key ${keyid.slice(0, 16)} has the role ${key.roles.join(", ") || "none"}`,
        `sign with a key of the role ${role}`,
      ));
    }
    if (signers.has(keyid)) return bad(role, `key ${keyid.slice(0, 16)} signed twice`);
    signers.add(keyid);
  }
  return ok({ ...statement.value, signers: [...signers].sort() });
}

export function parseEnvelope(value: unknown): Envelope | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { payloadType, payload, signatures } = value as Record<string, unknown>;
  if (typeof payloadType !== "string" || typeof payload !== "string" || !Array.isArray(signatures)) return undefined;
  if (Object.keys(value).length !== 3) return undefined;
  const parsed: { keyid: string; sig: string }[] = [];
  for (const each of signatures) {
    if (typeof each !== "object" || each === null || Object.keys(each).length !== 2) return undefined;
    const { keyid, sig } = each as Record<string, unknown>;
    if (typeof keyid !== "string" || typeof sig !== "string") return undefined;
    parsed.push({ keyid, sig });
  }
  return { payloadType, payload, signatures: parsed };
}

function parseStatement(payload: Uint8Array, role: Role): Result<Statement> {
  const parsed = parseCanonical(payload, `the statement of the ${role}`, `${role}.signature`);
  if (!parsed.ok) return parsed;
  const { _type, subject, predicateType, predicate } = (parsed.value ?? {}) as Record<string, unknown>;
  if (_type !== STATEMENT_TYPE || !Array.isArray(subject) || subject.length !== 1) {
    return bad(role, "its payload is no statement");
  }
  const digest = (subject[0] as { digest?: { sha256?: unknown } } | null)?.digest?.sha256;
  if (typeof digest !== "string" || predicateType !== PREDICATES[role]) {
    return bad(role, "its statement is about something else");
  }
  return ok({ subject: digest as Hash, predicateType: PREDICATES[role], predicate });
}

/** DSSE's pre-authentication encoding. */
function preAuthentication(payload: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `);
  const message = new Uint8Array(head.length + payload.length);
  message.set(head);
  message.set(payload, head.length);
  return message;
}

function bad<T>(role: Role, why: string): Result<T> {
  return refuse(
    issue(
      `${role}.signature`,
      `cannot accept the ${role} because ${why}`,
      `get it again from whoever signed it, or sign it again with \`rtt sign\``,
    ),
  );
}

export function unsigned(role: Role): Issue {
  return issue(
    `${role}.unsigned`,
    `cannot accept the ${role} because nobody has signed it`,
    "sign it with `rtt sign FILE`",
  );
}
