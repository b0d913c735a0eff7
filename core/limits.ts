/** Every maximum, with its unit. Relations between them are asserted at the end of the file. */
import { assert } from "./errors.ts";

export const LIMITS = {
  /** Declared things. */
  drivers: 1_000,
  routes: 10_000,
  contracts: 1_000,
  endpointsOfADriver: 64,
  /** Lanes that one `in` reads at a time; the kit has the same number. */
  lanesOfAnInput: 126,
  fieldsOfAContract: 256,
  valuesOfAnEnum: 256,
  earlierOfAContract: 16,
  /** Bytes of a text that stands for a field which a record lacks. */
  defaultBytes: 1_024,
  rules: 1_000,
  argumentsOfADriver: 1_024,
  filesOfADriver: 1_024,
  fallbackRoutes: 64,
  restartBudget: 1_000,
  /** Bytes of a contract's record: four of them and their headers fit in the largest ring. */
  recordBytes: 32 * 1024 * 1024,
  memoryBytesMin: 1024 * 1024,
  memoryBytesMax: 1024 * 1024 * 1024 * 1024,
  /** Any duration that is declared: 30 days. */
  durationNs: 30 * 24 * 3_600 * 1_000_000_000,
  prepareWithinNsMin: 1_000_000,
  rateHz: 1_000_000_000,
  /** Bytes of all CUE files together. */
  configBytes: 4 * 1024 * 1024,
  /** Bytes of a plan file. */
  planBytes: 64 * 1024 * 1024,
  /** Bytes of any file that a command is given: the largest is a plan. */
  inputBytes: 64 * 1024 * 1024,
  /** Nesting of any JSON that is parsed. */
  jsonDepth: 64,
  signaturesOfAnEnvelope: 32,
  trustedKeys: 1_024,
  envelopesOfAPlan: 32,
  closureFiles: 4_096,
  closureBytes: 512 * 1024 * 1024,
  /** Lanes. */
  ringBytesMin: 4 * 1024,
  ringBytesMax: 256 * 1024 * 1024,
  regionBytes: 1024 * 1024 * 1024,
  /** Control messages. */
  controlMessageBytes: 64 * 1024,
  descriptorsOfAMessage: 253,
  /** WAL. */
  walSectorBytes: 4_096,
  walRecordBytes: 16 * 1024 * 1024,
  walBytes: 256 * 1024 * 1024,
  /** Characters of the reason that a record gives. */
  walWhy: 512,
  /** Panel. */
  queuedApplies: 16,
  movesUnderWay: 64,
  /** How often one repair looks at the facts again before it says that it can't finish. */
  looksOfARepair: 32,
  /** Between two tries of a recovery for which the log has no room. */
  recoverAgainNs: 1_000_000_000,
  /** A keeper that was asked and says nothing for so long is taken for lost. */
  keeperSilentNs: 10_000_000_000,
  /** The longest that a keeper gives one driver to end (`ffi/keeper/src/limits.rs`). */
  keeperStopNs: 60_000_000_000,
  /**
   * Keepers, or panels of one log, that are tried one after the other. The count begins anew with a keeper under which a
   * recovery has ended, and with what has stayed for `holdsNs`.
   */
  tries: { most: 8, firstNs: 50_000_000, longestNs: 2_000_000_000, holdsNs: 10_000_000_000 },
  /** What is under way when the panel is told to end may go on for so long. */
  panelEndsWithinNs: 5_000_000_000,
  /** Its connections have so long to end when their acts are over. */
  answersEndWithinNs: 1_000_000_000,
  /** Restarts of one driver that a budget can count. */
  restartsRemembered: 256,
  /** Most lines that one call of `rtt logs` shows. */
  logLines: 100_000,
  logBytesOfADriver: 4 * 1024 * 1024,
  /** Judgements of signed documents that a panel remembers: twice what a plan can have. */
  judgementsRemembered: 2_000,
  requestBytes: 80 * 1024 * 1024,
  tokenLifeNs: 60_000_000_000,
  /** The breakers of routes. */
  guard: {
    /** 100 ms apart: 101 of them span the window. */
    snapshots: 101,
    snapshotNs: 100_000_000,
    windowNs: 10_000_000_000,
    /** Between two evaluations; a trip needs a breach in two. */
    evaluateNs: 1_000_000_000,
    /** A new lane is not judged for so long. */
    quietNs: 2_000_000_000,
    /** Samples that an automatic move needs, where no lower rate is declared. */
    samplesForAct: 5_000,
    /** How long a breaker stays open, by tier. */
    backoffNs: [5, 10, 20, 40, 80, 160].map((seconds) => seconds * 1_000_000_000),
    /** Good evaluations in a row that close a half-open breaker. */
    goodProbes: 3,
  },
  /** Planning: all are counts, never seconds, so that a plan is the same on every machine. They go into its fingerprint. */
  plan: {
    /** Above this many variables the model is not solved exactly but searched. */
    exactVariables: 1_500,
    /** Variables × branch-and-bound nodes of one stage; beyond it the model is searched. */
    mipWork: 300_000,
    /** Cycles found and forbidden one after the other. */
    cycleCuts: 256,
    /** Solver calls spent on making a conflict minimal; what is left then is a conflict, but perhaps not the smallest. */
    conflictSolves: 512,
    /** Passes over all drivers and choices of the local search. */
    searchRounds: 32,
    /** Largest weight in a tie-break's objective: small enough for a solver that works in floating point. */
    tieWeight: 65_536,
    /** Candidates named for one route. */
    othersOfAReason: 32,
    cpus: 4_096,
    nodes: 64,
  },
  /** A stall looks at its lane every quarter, so that this bounds how often the panel wakes. */
  stallNsMin: 4_000_000,
} as const;

assert(LIMITS.ringBytesMax < LIMITS.regionBytes, "a ring fits in a region");
assert(LIMITS.walRecordBytes < LIMITS.walBytes, "a record fits in the log");
assert(
  (LIMITS.guard.snapshots - 1) * LIMITS.guard.snapshotNs === LIMITS.guard.windowNs,
  "snapshots span the window exactly",
);
assert(LIMITS.judgementsRemembered >= 2 * LIMITS.drivers, "all manifests of two plans are remembered");
assert(LIMITS.planBytes <= LIMITS.inputBytes, "a plan can be given");
assert(LIMITS.planBytes < LIMITS.requestBytes, "a plan fits in a request");
