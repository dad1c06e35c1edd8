/**
 * Bounds and periods that nobody configures. Each says its number, why, and what happens there. Imports nothing: actor threads and
 * keeper need these, and would otherwise load the parser and the schema of config.toml at every start (0.1 s a thread).
 */

/** Bounds that are part of the design rather than anybody's preference. */
export const BOUNDS = {
  /** Messages waiting for one actor. At the bound: BUSY. */
  mailbox: 256,
  /** One write(2) to a terminal: the kernel takes about 4 KiB at once, and a shorter write is easier to pace. */
  inputSliceBytes: 4_096,
  /** `session.read max`: what is answered without one (256 KiB), and the most (8 MiB). */
  readBytes: 262_144,
  readBytesMax: 8_388_608,
  /** The opaque record the keeper holds for a session (64 KiB). At the bound: create is refused with LIMIT. */
  keeperRecordBytes: 65_536,
  /** Descriptors under way to the daemon unacknowledged: far below a socket's queue, which blocks both sides when full. */
  descriptorWindow: 64,
  /** Output joined for watchers, whichever comes first (16 KiB). */
  watchJoinBytes: 16_384,
  watchJoinMs: 4,
  /** Output of one session under way from its actor to the main thread (256 KiB); beyond, main reads from the spool when it is ready. */
  watchCreditBytes: 262_144,
  /** An idempotency key is remembered for so long, and so many of them (the oldest is forgotten). */
  idempotencyMs: 600_000,
  idempotencyKeys: 10_000,
  /** daemon.log and keeper.log (8 MiB): a full one is put aside, and so many are kept beside it; the oldest is forgotten. */
  logBytes: 8_388_608,
  logFiles: 4,
} as const;

export const PERIODS = {
  reaperMs: 250,
  retentionMs: 3_600_000,
  evictionMs: 60_000,
  heartbeatMs: 1_000,
  unresponsiveMs: 2_000,
  /** Reports of hooks go to an actor at once, and then this often. */
  reportsMs: 50,
  /** A session's transcript is read at most this often. */
  transcriptMs: 2_000,
  /** The keeper reads for a dead daemon this often. */
  keeperPollMs: 25,
  /** A keeper without sessions and without a daemon ends itself after this. */
  keeperIdleMs: 10_000,
} as const;
