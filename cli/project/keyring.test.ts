/** A project's keys on disk. */
import { assertEquals, assertThrows } from "@std/assert";
import { EXIT, RttError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { keyDocument, type PublicKey, type TrustRoot } from "../../core/trust/keys.ts";
import { openCrypto } from "../adapters/crypto.ts";
import { type Layout, layout } from "../layout.ts";
import { makeKey, readPublicKey, readTrust, secretKeys, writeTrust } from "./keyring.ts";

function inFolder(test: (at: Layout) => void): void {
  const dir = Deno.makeTempDirSync();
  try {
    test(layout(dir));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

function refusal(act: () => unknown): readonly [string | undefined, number] {
  const { issues, exit } = assertThrows(act, RttError);
  return [issues[0]?.code, exit];
}

function trustOf(keys: number): TrustRoot {
  const { hasher, signer } = openCrypto();
  return new Map(Array.from({ length: keys }, (_, at): [string, PublicKey] => {
    const seed = new Uint8Array(32);
    new DataView(seed.buffer).setUint32(0, at);
    const bytes = signer.keyPair(seed).public;
    const id = hasher.sha256(bytes);
    return [id, { id, bytes, roles: ["plan"], comment: "", revoked: false }];
  }));
}

Deno.test("as many keys are known as can be read again, and one more is refused before it is written", () => {
  inFolder((at) => {
    writeTrust(at, trustOf(LIMITS.trustedKeys));
    assertEquals(readTrust(at).size, LIMITS.trustedKeys);
    const before = Deno.readFileSync(at.trust);
    assertEquals(refusal(() => writeTrust(at, trustOf(LIMITS.trustedKeys + 1))), ["key.limit", EXIT.refused]);
    assertEquals(Deno.readFileSync(at.trust), before);
  });
});

Deno.test("a secret key that others may read is not used", () => {
  inFolder((at) => {
    const { file } = makeKey(at, ["plan"], "");
    assertEquals(secretKeys(at, "plan").length, 1);
    for (const mode of [0o640, 0o604, 0o620]) {
      Deno.chmodSync(file, mode);
      assertEquals(refusal(() => secretKeys(at, "plan")), ["key.mode", EXIT.refused]);
    }
  });
});

Deno.test("a key for which anybody can sign is not taken, nor a file that is no key", () => {
  inFolder((at) => {
    const file = `${at.dir}/key.json`;
    const taken = (text: string) => {
      Deno.writeTextFileSync(file, text);
      return refusal(() => readPublicKey(file));
    };
    // The neutral point: every signature of zeroes holds.
    const weak = keyDocument({ public: new Uint8Array(32).fill(1, 0, 1) }, ["plan"], "");
    assertEquals(taken(JSON.stringify(weak)), ["key.weak", EXIT.badInput]);
    for (const text of ["", "{", "[]", "{}", JSON.stringify({ ...weak, public: "00" }), '{"format":"rtt-key-2"}']) {
      assertEquals(taken(text), ["key.unreadable", EXIT.badInput], text);
    }
  });
});

Deno.test("a secret key file without a secret, or with another key's, is no secret key", () => {
  inFolder((at) => {
    const [one, other] = [makeKey(at, ["plan"], ""), makeKey(at, ["plan"], "")];
    const [text, foreign] = [one, other].map(({ file }) => JSON.parse(Deno.readTextFileSync(file)));
    for (const secret of [undefined, foreign.secret, "00"]) {
      Deno.writeTextFileSync(one.file, JSON.stringify({ ...text, secret }));
      assertEquals(refusal(() => secretKeys(at, "plan", one.file)), ["key.unreadable", EXIT.badInput]);
    }
  });
});
