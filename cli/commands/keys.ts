import { EXIT, type ExitCode, issue, RttError } from "../../core/errors.ts";
import { type Role, ROLES } from "../../core/trust/keys.ts";
import type { Call, Command } from "../command.ts";
import { type Layout, layout } from "../layout.ts";
import { demandRoom, makeKey, readPublicKey, readTrust, revokedKey, writeTrust } from "../project/keyring.ts";

export const command: Command = {
  name: "keys",
  operands: "new|list|trust|revoke [FILE|ID]",
  arity: [1, 2],
  summary: "keys by role: make one, see, trust and revoke them",
  options: [
    {
      name: "role",
      value: "ROLES",
      help: `what a new key may sign, or a trusted one is believed in, of ${ROLES.join(",")} (default: all)`,
    },
    { name: "comment", value: "TEXT", help: "who or what the key belongs to" },
    { name: "no-trust", help: "do not let this project's panel believe the new key" },
  ],
  examples: [
    "rtt keys new --role plan --comment 'night shift'",
    "rtt keys trust colleague.json --role plan",
    "rtt keys revoke 3f9c2a71",
  ],
  run(call: Call): Promise<ExitCode> {
    const at = layout(call.dir);
    const [word = "", operand] = call.operands;
    const use = Object.hasOwn(USES, word) ? USES[word] : undefined;
    if (!use || use.operand !== (operand !== undefined)) {
      throw usage(`\`rtt keys ${call.operands.join(" ")}\` is none of its uses`);
    }
    const foreign = OPTIONS.find((name) => given(call, name) && !use.options.includes(name));
    if (foreign !== undefined) throw usage(`\`rtt keys ${word}\` takes no --${foreign}`);
    return Promise.resolve(use.run(call, at, operand ?? ""));
  },
};

interface Use {
  /** Whether it takes a file or an id. */
  readonly operand: boolean;
  readonly options: readonly string[];
  run(call: Call, at: Layout, operand: string): ExitCode;
}

const OPTIONS = ["role", "comment", "no-trust"];
const USES: Readonly<Record<string, Use>> = {
  new: { operand: false, options: OPTIONS, run: newKey },
  list: { operand: false, options: [], run: list },
  trust: { operand: true, options: ["role"], run: trust },
  revoke: { operand: true, options: [], run: revoke },
};

function given(call: Call, option: string): boolean {
  return call.has(option) || call.value(option) !== undefined;
}

function newKey(call: Call, at: Layout): ExitCode {
  const trusting = !call.has("no-trust");
  const known = readTrust(at);
  if (trusting) demandRoom(at, known.size + 1);
  const { file, key } = makeKey(at, roles(call.value("role")), call.value("comment") ?? "");
  if (trusting) writeTrust(at, new Map([...known, [key.id, key]]));
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

/** A key is believed in the roles that its file claims, or in fewer: those of them that `--role` names. */
function trust(call: Call, at: Layout, file: string): ExitCode {
  const key = readPublicKey(file);
  const known = readTrust(at);
  if (known.get(key.id)?.revoked) throw revokedKey(`trust key ${key.id.slice(0, 16)}`);
  const wanted = roles(call.value("role"));
  const believed = key.roles.filter((role) => wanted.includes(role));
  if (believed.length === 0) {
    throw usage(
      `key ${key.id.slice(0, 16)} is for ${key.roles.join(", ") || "nothing"}, and for no role that is wanted`,
    );
  }
  writeTrust(at, new Map([...known, [key.id, { ...key, roles: believed, revoked: false }]]));
  call.output.line(`trusted key ${key.id.slice(0, 16)} for ${believed.join(", ")}`);
  call.output.object({ id: key.id, roles: believed });
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
