/**
 * Every error a client can see: one table, stable codes. docs/errors.md is held against it by a test.
 */
export const ERROR_CODES = {
  INVALID_PARAMS: 1,
  NOT_FOUND: 2,
  ALREADY_EXISTS: 3,
  BUSY: 4,
  TIMEOUT: 5,
  EXITED: 6,
  BLOCKED: 7,
  NOT_WRITER: 8,
  LIMIT: 9,
  UNSUPPORTED: 10,
  DAMAGED: 11,
  STORE_FULL: 12,
  SPAWN_FAILED: 13,
  UNAVAILABLE: 14,
  INTERNAL: 15,
  UNKNOWN_METHOD: 16,
  FORBIDDEN: 17,
  PROTOCOL: 18,
} as const;

export type ErrorName = keyof typeof ERROR_CODES;

/** What goes with an error for programs: field, limit, received, retry_after_ms, … Plain JSON values only. */
export type ErrorData = Record<string, unknown>;

/** An error meant for the caller. Its message says what was received, what was expected and what to do next. */
export class LifeguardError extends Error {
  override readonly name: ErrorName;
  readonly data: ErrorData;
  constructor(name: ErrorName, message: string, data: ErrorData = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
    this.data = data;
  }
  get code(): number {
    return ERROR_CODES[this.name];
  }
}

/**
 * What was asked is still under way when its time was up: it is answered with an error now and may be done later all the same.
 * `again` waits for the same deed once more.
 */
export class StillUnderWay extends LifeguardError {
  readonly again: () => Promise<unknown>;
  constructor(name: ErrorName, message: string, data: ErrorData, again: () => Promise<unknown>) {
    super(name, message, data);
    this.again = again;
  }
}

/** Why a call on a file failed, without the path and the call, which whoever tells it names: `no such file or directory`. */
export function fileTrouble(error: unknown): string {
  return /^[A-Z0-9]+: (.+?), \w+(?: '.*)?$/s.exec(messageOf(error))?.[1] ?? messageOf(error);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
