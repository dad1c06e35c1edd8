/** Output in which every byte has its known place: numbered lines, and a check that none is missing, twice, torn or moved. */

/** Bytes of one line: `line 0000000042\r\n`; the terminal's ONLCR adds the carriage return. */
export const LINE_BYTES = 17;

export interface Command {
  command: string;
  args: string[];
}

/**
 * Prints lines 0 … count-1 as fast as the terminal takes them, then exits with `code`; with `hold` it stays afterwards, silent,
 * until it is killed.
 */
export function numberedLines(count: number, options: { code?: number; hold?: boolean } = {}): Command {
  const print = `awk 'BEGIN { for (i = 0; i < ${count}; i++) printf "line %010d\\n", i }'`;
  const after = options.hold === true ? "exec sleep 1000000" : `exit ${options.code ?? 0}`;
  return { command: "/bin/sh", args: ["-c", `${print}; ${after}`] };
}

/**
 * Prints numbered lines until it is killed: `perSecond` of them in ten bursts a second, or as fast as the terminal takes them.
 * Perl (part of every Debian) rather than a shell, because a shell forks for each pause, and that load would be the test's own.
 */
export function endlessNumberedLines(perSecond?: number): Command {
  if (perSecond === undefined)
    return { command: "/bin/sh", args: ["-c", `exec awk 'BEGIN { for (i = 0; ; i++) printf "line %010d\\n", i }'`] };
  const burst = Math.max(1, Math.round(perSecond / 10));
  return {
    command: "/usr/bin/perl",
    args: [
      "-e",
      `$| = 1; for (;;) { my $b = ""; $b .= sprintf("line %010d\n", $i++) for 1..${burst}; print $b; select(undef, undef, undef, 0.1) }`,
    ],
  };
}

/** The bytes that belong at an offset of such output. */
export function expectedLine(number: number): string {
  return `line ${String(number).padStart(10, "0")}\r\n`;
}

export interface LineFault {
  /** Byte offset in the session's output. */
  offset: number;
  expected: string;
  found: string;
}

/**
 * Takes the output piece by piece, in order, and finds the first place where it is not what was printed. Because each line has the
 * same length, an offset alone says which bytes belong there: a hole, a double and a swap all show.
 */
export class LineChecker {
  #offset: number;
  #held: Buffer = Buffer.alloc(0);
  #fault: LineFault | null = null;
  #holes = 0;

  /** @param offset of the first byte to come */
  constructor(offset = 0) {
    this.#offset = offset;
  }

  /** Where the next byte belongs. */
  get offset(): number {
    return this.#offset + this.#held.length;
  }

  /** Places at which bytes were missing, by what the reader said (a gap) or by what stood there. */
  get holes(): number {
    return this.#holes;
  }

  get fault(): LineFault | null {
    return this.#fault;
  }

  /** @param offset what the reader says these bytes begin at */
  take(bytes: Uint8Array, offset: number = this.offset): void {
    if (offset !== this.offset) {
      this.#holes++;
      this.#fault ??= { offset: this.offset, expected: `offset ${this.offset}`, found: `offset ${offset}` };
      this.#flush(true);
      this.#offset = offset;
      this.#held = Buffer.alloc(0);
    }
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    this.#flush(false);
  }

  /** Looks at what is held of an unfinished line too. */
  end(): LineFault | null {
    this.#flush(true);
    return this.#fault;
  }

  #flush(all: boolean): void {
    const whole = all ? this.#held.length : this.#held.length - ((this.#offset + this.#held.length) % LINE_BYTES);
    if (whole <= 0) return;
    const first = Math.floor(this.#offset / LINE_BYTES);
    const last = Math.floor((this.#offset + whole - 1) / LINE_BYTES);
    const lines: string[] = [];
    for (let number = first; number <= last; number++) lines.push(expectedLine(number));
    const start = this.#offset - first * LINE_BYTES;
    const expected = Buffer.from(lines.join("").slice(start, start + whole), "latin1");
    const found = this.#held.subarray(0, whole);
    if (!expected.equals(found)) this.#report(expected, found);
    this.#offset += whole;
    this.#held = this.#held.subarray(whole);
  }

  #report(expected: Buffer, found: Buffer): void {
    this.#holes++;
    let at = 0;
    while (at < found.length && expected[at] === found[at]) at++;
    const show = (bytes: Buffer): string => JSON.stringify(bytes.toString("latin1", Math.max(0, at - 20), at + 40));
    this.#fault ??= { offset: this.#offset + at, expected: show(expected), found: show(found) };
  }
}
