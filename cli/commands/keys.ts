import { EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import { type PublicKey, type Role, ROLES } from "../../core/trust/keys.ts";
import type { Call, Command } from "../command.ts";
import { type Layout, layout } from "../layout.ts";
import { makeKey, readPublicKey, readTrust, writeTrust } from "../project/keyring.ts";

export const command: Command = {
  name: "keys",
  operands: "new|list|trust|revoke [FILE|ID]",
  arity: [1, 2],
  summary: "keys by role: make one, see, trust and revoke them",
  options: [
    { name: "role", value: "ROLES", help: `what a new key may sign, of ${ROLES.join(",")} (default: all three)` },
    { name: "comment", value: "TEXT", help: "who or what the key belongs to" },
    { name: "no-trust", help: "do not let this project's panel believe the new key" },
  ],
  examples: [
    "rtt keys new --role plan --comment 'night shift'",
    "rtt keys trust colleague.json",
    "rtt keys revoke 3f9c2a71",
  ],
  run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const [verb, operand] = call.operands;
    if (verb === "new" && operand === undefined) return Promise.resolve(newKey(call, at));
    if (verb === "list" && operand === undefined) return Promise.resolve(list(call, at));
    if (verb === "trust" && operand !== undefined) return Promise.resolve(trust(call, at, readPublicKey(operand)));
    if (verb === "revoke" && operand !== undefined) return Promise.resolve(revoke(call, at, operand));
    throw usage(`\`rtt keys ${call.operands.join(" ")}\` is none of its uses`);
  },
};

function newKey(call: Call, at: Layout): ExitCode {
  const { file, key } = makeKey(at, roles(call.value("role")), call.value("comment") ?? "");
  if (!call.has("no-trust")) writeTrust(at, new Map([...readTrust(at), [key.id, key]]));
  call.output.line(`key ${key.id.slice(0, 16)} for ${key.roles.join(", ")}`);
  call.output.line(file);
  call.output.object({ id: key.id, roles: key.roles, file });
  return EXIT.done;
}

function list(call: Call, at: Layout): ExitCode {
  const keys = [...readTrust(at).values()].sort((a, b) => a.id < b.id ? -1 : 1);
  for (const key of keys) {
    const state = key.revoked ? call.output.paint.red("revoked") : "trusted";
    call.output.line(`${key.id.slice(0, 16)}  ${state}  ${key.roles.join(",")}  ${key.comment}`.trimEnd());
  }
  if (keys.length === 0) call.output.line("no key is trusted here; make one with `rtt keys new`");
  call.output.object({ keys: keys.map(({ id, roles, comment, revoked }) => ({ id, roles, comment, revoked })) });
  return EXIT.done;
}

function trust(call: Call, at: Layout, key: PublicKey): ExitCode {
  const known = readTrust(at);
  if (known.get(key.id)?.revoked) {
    throw new RttError(EXIT.refused, [
      issue("key.revoked", `cannot trust key ${key.id.slice(0, 16)} because it was revoked here`, "use another key"),
    ]);
  }
  writeTrust(at, new Map([...known, [key.id, { ...key, revoked: false }]]));
  call.output.line(`trusted key ${key.id.slice(0, 16)} for ${key.roles.join(", ")}`);
  call.output.object({ id: key.id, roles: key.roles });
  return EXIT.done;
}

function revoke(call: Call, at: Layout, prefix: string): ExitCode {
  const known = readTrust(at);
  const matching = [...known.values()].filter((key) => key.id.startsWith(prefix));
  const [key] = matching;
  if (!key || matching.length > 1) {
    throw usage(`${matching.length === 0 ? "no" : "more than one"} trusted key begins with \`${prefix}\``);
  }
  writeTrust(at, new Map([...known, [key.id, { ...key, revoked: true }]]));
  call.output.line(`revoked key ${key.id.slice(0, 16)}`);
  call.output.object({ id: key.id, revoked: true });
  return EXIT.done;
}

function roles(text: string | undefined): readonly Role[] {
  if (text === undefined) return ROLES;
  return text.split(",").map((word) => {
    const role = ROLES.find((each) => each === word);
    if (!role) throw usage(`\`${word}\` is no role (${ROLES.join(", ")})`);
    return role;
  });
}

function usage(why: string): RttError {
  return new RttError(EXIT.badInput, [
    issue("usage", `cannot run \`rtt keys\` because ${why}`, "`rtt keys --help` shows its use"),
  ]);
}
