/** The interfaces to the world. Everything that core needs and can't do itself goes through one of these. */
import type { Result } from "./errors.ts";
import type { KeeperEvent, KeeperReply, KeeperRequest, LaneFigures } from "./keeper.ts";
import type { Hash } from "./model/names.ts";
import type { Topology } from "./model/topology.ts";

export interface Clock {
  /** CLOCK_MONOTONIC, nanoseconds: the clock of stamps, deadlines and windows of the guard. */
  monotonicNs(): number;
  /** Wall clock, milliseconds since 1970: read for the windows of grants and waivers, and for the dates in the log. */
  wallMs(): number;
}

export interface Entropy {
  bytes(count: number): Uint8Array;
}

export interface Hasher {
  sha256(bytes: Uint8Array): Hash;
  /** CRC-32C (Castagnoli). */
  crc32c(bytes: Uint8Array): number;
}

export interface KeyPair {
  /** 32 bytes each. */
  readonly secret: Uint8Array;
  readonly public: Uint8Array;
}

/** Ed25519, strict: small-order keys and non-canonical signatures are refused. */
export interface Signer {
  /** From 32 bytes of entropy. */
  keyPair(seed: Uint8Array): KeyPair;
  sign(secret: Uint8Array, message: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** False for small-order points and other keys that must not be imported. */
  acceptable(publicKey: Uint8Array): boolean;
}

/** A mixed-integer linear program, minimised. All coefficients are integers; all variables are binary. */
export interface Program {
  readonly variables: readonly string[];
  /** Sparse, by variable index. */
  readonly objective: readonly (readonly [number, number])[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly name: string;
  readonly terms: readonly (readonly [variable: number, coefficient: number])[];
  readonly sense: "<=" | "=" | ">=";
  readonly rhs: number;
}

export type Solution =
  | { readonly status: "optimal"; readonly values: readonly number[]; readonly objective: number }
  | { readonly status: "infeasible" }
  | { readonly status: "limit" };

export interface Solver {
  /** Name and version, part of a plan's inputs: `highs 1.15.3`. */
  readonly name: string;
  solve(program: Program): Solution;
}

/** Bytes by their SHA-256, read back checked. */
export interface Store {
  get(hash: Hash): Uint8Array | undefined;
  put(bytes: Uint8Array): Hash;
  has(hash: Hash): boolean;
}

/** The log's storage: whole sectors, appended and synced; see `core/apply/wal.ts` for what is in them. */
export interface WalStorage {
  /** All bytes from the first sector on. */
  read(): Uint8Array;
  /** Writes at a sector boundary. Throws on any failure: the log is then poisoned. */
  write(offset: number, sectors: Uint8Array): void;
  /** fdatasync. Throws on failure, and is never retried. */
  sync(): void;
  /** Makes sure that this many bytes from the start are allocated and zeroed; false when the disk is full. */
  reserve(bytes: number): boolean;
  /**
   * Makes these bytes durable as the whole log, for recovery, which must not act on what an earlier failed fsync may have left
   * unwritten: in a new, synced file that takes the place of the old one, or where there is no room for two in the old one.
   * The room that was reserved stays. Throws on any failure.
   */
  renew(sectors: Uint8Array): void;
}

export interface Keeper {
  /** Answered in order; a rejected promise means that the link is lost. */
  request(request: KeeperRequest): Promise<KeeperReply>;
  /** The next events, at least one; ends with a `lost`. */
  events(): AsyncIterable<KeeperEvent>;
  figures(): readonly LaneFigures[];
}

export interface HostFacts {
  topology(): Topology;
}

/** Where a project's declared text came from and what CUE made of it. */
export interface Validator {
  /** Files by project-relative path. The value is plain JSON with all defaults filled in. */
  evaluate(files: ReadonlyMap<string, string>): Promise<Result<Evaluated>>;
}

export interface Evaluated {
  readonly value: unknown;
  /** Path of a value (`routes.attitude.from`, list items by index) → where the user wrote it. */
  readonly places: ReadonlyMap<string, { readonly file: string; readonly line: number; readonly column: number }>;
}
