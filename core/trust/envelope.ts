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

/** The same payload with one more signature; undefined when the key has signed it already. */
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
  if (envelope.payloadType !== PAYLOAD_TYPE || !payload) return refuse(bad(role, "its payload can't be read"));
  if (envelope.signatures.length === 0) return refuse(unsigned(role));
  if (envelope.signatures.length > LIMITS.signaturesOfAnEnvelope) {
    return refuse(bad(role, "it has too many signatures"));
  }
  const statement = parseStatement(payload, role);
  if (!statement.ok) return statement;
  const message = preAuthentication(payload);
  const signers = new Set<KeyId>();
  for (const signature of envelope.signatures) {
    const wrong = signatureIssue(signature, message, role, trust, signer);
    if (wrong) return refuse(wrong);
    if (signers.has(signature.keyid)) return refuse(bad(role, `key ${signature.keyid.slice(0, 16)} signed twice`));
    signers.add(signature.keyid);
  }
  return ok({ ...statement.value, signers: [...signers].sort() });
}

/** What an envelope says, whoever signed it: for looking only, never for believing. */
export function statementOf(envelope: Envelope): Statement | undefined {
  const payload = decodeBase64(envelope.payload);
  const parsed = payload && parseCanonical(payload, "the statement", "plan.signature");
  const statement = parsed?.ok ? readStatement(parsed.value) : undefined;
  return typeof statement === "string" ? undefined : statement;
}

/** What is left of an envelope without the signatures that nobody here believes, and why each of those went. */
export interface Pruned {
  /** None when no signature is left, or when what they are under is no statement. */
  readonly envelope: Envelope | undefined;
  readonly dropped: readonly Issue[];
}

/** For signing again: with a revoked key's signature in it, an envelope is refused whatever else is added. */
export function prune(envelope: Envelope, role: Role, trust: TrustRoot, signer: Signer): Pruned {
  const payload = decodeBase64(envelope.payload);
  const statement = payload && envelope.payloadType === PAYLOAD_TYPE ? parseStatement(payload, role) : undefined;
  if (!payload || !statement) return { envelope: undefined, dropped: [bad(role, "its payload can't be read")] };
  if (!statement.ok) return { envelope: undefined, dropped: statement.issues };
  const message = preAuthentication(payload);
  const kept = new Map<KeyId, Signature>();
  const dropped: Issue[] = [];
  for (const signature of envelope.signatures) {
    const wrong = signatureIssue(signature, message, role, trust, signer);
    if (wrong) dropped.push(wrong);
    else kept.set(signature.keyid, signature);
  }
  return { envelope: kept.size === 0 ? undefined : { ...envelope, signatures: [...kept.values()] }, dropped };
}

type Signature = Envelope["signatures"][number];

function signatureIssue(
  { keyid, sig }: Signature,
  message: Uint8Array,
  role: Role,
  trust: TrustRoot,
  signer: Signer,
): Issue | undefined {
  const name = keyid.slice(0, 16);
  const key = trust.get(keyid);
  if (!key) {
    return issue(
      `${role}.key.unknown`,
      `cannot accept the ${role} because key ${name} is not trusted by this panel`,
      `sign it with a trusted key: \`${
        signCommand(role)
      }\` drops what is not believed; or trust this one with \`rtt keys trust FILE\``,
    );
  }
  if (key.revoked) {
    return issue(
      `${role}.key.revoked`,
      `cannot accept the ${role} because key ${name} is revoked`,
      `make a new key with \`rtt keys new\` where there is no other, then \`${signCommand(role)}\``,
    );
  }
  const signature = decodeBase64(sig);
  if (!signature || !signer.verify(key.bytes, message, signature)) {
    return bad(role, `the signature of key ${name} is wrong`);
  }
  if (key.roles.includes(role)) return undefined;
  return issue(
    `${role}.key.role`,
    `cannot accept the ${role} because key ${name} has the role ${key.roles.join(", ") || "none"}`,
    `sign it with a key of the role ${role}: \`${signCommand(role)}\``,
  );
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
  const statement = readStatement(parsed.value);
  if (typeof statement === "string") return refuse(bad(role, statement));
  if (statement.predicateType === PREDICATES[role]) return ok(statement);
  return refuse(bad(role, "its statement is about something else"));
}

/** The statement, or why it is none. */
function readStatement(value: unknown): Statement | string {
  const { _type, subject, predicateType, predicate } = (value ?? {}) as Record<string, unknown>;
  if (_type !== STATEMENT_TYPE || !Array.isArray(subject) || subject.length !== 1) return "its payload is no statement";
  const digest = (subject[0] as { digest?: { sha256?: unknown } } | null)?.digest?.sha256;
  if (typeof digest !== "string" || typeof predicateType !== "string") return "its statement is about something else";
  return { subject: digest as Hash, predicateType, predicate };
}

/** DSSE's pre-authentication encoding. */
function preAuthentication(payload: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `);
  const message = new Uint8Array(head.length + payload.length);
  message.set(head);
  message.set(payload, head.length);
  return message;
}

function bad(role: Role, why: string): Issue {
  return issue(
    `${role}.signature`,
    `cannot accept the ${role} because ${why}`,
    `get it again from whoever signed it, or sign it again with \`${signCommand(role)}\``,
  );
}

export function unsigned(role: Role): Issue {
  return issue(
    `${role}.unsigned`,
    `cannot accept the ${role} because nobody has signed it`,
    `sign it with \`${signCommand(role)}\``,
  );
}

/** What signs a document of this role: a plan by its file, the policy and the manifests all at once. */
export function signCommand(role: Role): string {
  return role === "plan" ? "rtt sign PLAN" : "rtt sign";
}
