/** What doctor says: one thing looked at, how it is, and what to type when it is not well. */

export type Level = "ok" | "warning" | "problem";

export interface Finding {
  /** What was looked at, in a word or two: `state directory`, `store`. Several findings may be of one. */
  check: string;
  level: Level;
  what: string;
  /** A command for the shell doctor was started from; null where there is nothing to mend, only a person can, or the next finding has it. */
  remedy: string | null;
  /** What the remedy does, leaves to do, or why it is this one. */
  note?: string;
}

export function ok(check: string, what: string): Finding {
  return { check, level: "ok", what, remedy: null };
}

export function warning(check: string, what: string, remedy: string | null, note?: string): Finding {
  return { check, level: "warning", what, remedy, ...(note === undefined ? {} : { note }) };
}

export function problem(check: string, what: string, remedy: string | null, note?: string): Finding {
  return { check, level: "problem", what, remedy, ...(note === undefined ? {} : { note }) };
}

/** A command that mends several findings of one check in a row stands with the last of them. */
export function eachRemedyOnce(findings: readonly Finding[]): Finding[] {
  return findings.map((finding, index) => {
    const next = findings[index + 1];
    if (finding.remedy === null || next?.check !== finding.check || next.remedy !== finding.remedy) return finding;
    const { check, level, what } = finding;
    return { check, level, what, remedy: null };
  });
}

/** As one word of a POSIX shell. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What only root may do, as whoever asks would type it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}

/** A name beside `path` that is free. */
export function aside(path: string, taken: (path: string) => boolean): string {
  for (let number = 0; ; number++) {
    const name = `${path}.aside${number === 0 ? "" : number}`;
    if (!taken(name)) return name;
  }
}
