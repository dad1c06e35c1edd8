/**
 * What a program says about itself in operating system commands (OSC): prompt and command marks (133), working directory (7),
 * notifications (9, 777, 99), progress (9;4). Pure: code and data in, what was said out; null for what is malformed or means
 * nothing here. All of it comes from whatever runs in the terminal: lengths are bounded, control characters never get through.
 *
 * Sources: https://gitlab.freedesktop.org/Per_Bothner/specifications/blob/master/proposals/semantic-prompts.md (133),
 * https://sw.kovidgoyal.net/kitty/shell-integration/ (133's cmdline), https://sw.kovidgoyal.net/kitty/desktop-notifications/ (99),
 * https://conemu.github.io/en/AnsiEscapeCodes.html (9;4).
 */
export type PromptPhase = "A" | "B" | "C" | "D";

/** A: a prompt begins; B: it ends, the user types; C: a command runs; D: it has ended. */
export interface PromptMark {
  type: "mark";
  phase: PromptPhase;
  /** Of D, when it was said. */
  exit: number | null;
  /** Of C, when it was said. */
  command: string | null;
  /** Which shell says so (`aid=`), where it says that: a shell in a shell has another. */
  shell: string | null;
}

export interface CwdReport {
  type: "cwd";
  /** An absolute path, or `host:/path` for another machine's. */
  cwd: string;
}

export interface NotificationReport {
  type: "notification";
  title: string;
  body: string;
  /** OSC 99 may come in parts with the same id: `done` with the last. The others are always done. */
  id: string;
  done: boolean;
}

export interface ProgressReport {
  type: "progress";
  state: "none" | "normal" | "error" | "indeterminate" | "paused";
  /** 0–100, null where none was said. */
  percent: number | null;
}

export type OscReport = PromptMark | CwdReport | NotificationReport | ProgressReport;

/** What is longer is cut: these are shown to people and travel in every listing. */
const MAX_COMMAND = 1_024;
const MAX_TITLE = 256;
const MAX_BODY = 1_024;
const MAX_PATH = 4_096;
const MAX_ID = 64;

/** @param host the name of this machine, for OSC 7 */
export function parseOsc(code: number, data: string, host: string): OscReport | null {
  switch (code) {
    case 133:
      return parsePromptMark(data);
    case 7:
      return parseCwd(data, host);
    case 9:
      return parseNine(data);
    case 777:
      return parseNotify(data);
    case 99:
      return parseKittyNotification(data);
    default:
      return null;
  }
}

function parsePromptMark(data: string): PromptMark | null {
  const [letter = "", ...params] = data.split(";");
  // N is A after the end of the line before; secondary prompts (k=s) and right ones (k=r) say nothing new.
  const phase = letter === "N" ? "A" : letter;
  if (!isPhase(phase)) return null;
  if (phase === "A" && (params.includes("k=s") || params.includes("k=r"))) return null;
  const exit = phase === "D" && params[0] !== undefined && /^-?[0-9]{1,10}$/.test(params[0]) ? Number(params[0]) : null;
  const shell = params.find((param) => param.startsWith("aid="))?.slice(4) ?? "";
  return { type: "mark", phase, exit, command: phase === "C" ? commandOf(data) : null, shell: plain(shell, MAX_ID) || null };
}

function isPhase(letter: string): letter is PromptPhase {
  return letter === "A" || letter === "B" || letter === "C" || letter === "D";
}

/** `cmdline_url=` is percent-encoded, `cmdline=` quoted as by bash's %q. The latter may contain semicolons: it is taken to the end. */
function commandOf(data: string): string | null {
  const encoded = /;cmdline_url=([^;]*)/.exec(data)?.[1];
  const quoted = encoded === undefined ? /;cmdline=(.*)$/s.exec(data)?.[1] : undefined;
  const command = encoded !== undefined ? percentDecode(encoded) : quoted !== undefined ? unquote(quoted) : "";
  const clean = plain(command, MAX_COMMAND);
  return clean === "" ? null : clean;
}

function unquote(quoted: string): string {
  const ansi = /^\$'(.*)'$/s.exec(quoted)?.[1];
  if (ansi !== undefined) return ansiUnquote(ansi);
  const inner = /^'([^']*)'$/s.exec(quoted)?.[1];
  return inner ?? quoted.replace(/\\(.)/gs, "$1");
}

const ESCAPED: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\u0007",
  b: "\b",
  e: "\u001b",
  E: "\u001b",
  f: "\f",
  v: "\v",
};

/** The inside of `$'…'`: `\n`, `\'`, and bytes of UTF-8 as `\303\244`. */
function ansiUnquote(text: string): string {
  return text.replace(/((?:\\[0-7]{3})+)|\\(.)/gs, (_all, octal: string | undefined, one: string | undefined) =>
    octal === undefined
      ? (ESCAPED[one ?? ""] ?? one ?? "")
      : Buffer.from(
          octal
            .split("\\")
            .slice(1)
            .map((digits) => Number.parseInt(digits, 8) & 0xff),
        ).toString("utf8"),
  );
}

/** `file://host/path`, percent-encoded; `kitty-shell-cwd://host/path`, as it is; or a bare absolute path. */
function parseCwd(data: string, host: string): CwdReport | null {
  const match = /^(file|kitty-shell-cwd):\/\/([^/]*)(\/.*)$/s.exec(data);
  const raw = match?.[3] ?? (data.startsWith("/") ? data : null);
  if (raw === null || raw.length > MAX_PATH * 3) return null;
  const path = match?.[1] === "file" ? percentDecode(raw) : raw;
  // A path with control characters in it is real but rare; one that was changed would be a wrong path.
  if (path.length > MAX_PATH || path !== plain(path, MAX_PATH)) return null;
  const there = plain(match?.[2] ?? "", 255);
  return { type: "cwd", cwd: isHere(there, host) ? path : `${there}:${path}` };
}

function isHere(there: string, host: string): boolean {
  const short = (name: string): string => name.toLowerCase().split(".", 1)[0] ?? "";
  return there === "" || there.toLowerCase() === "localhost" || short(there) === short(host);
}

/** OSC 9: progress as `4;state;percent`, other ConEmu commands (a number first), or else a notification's text. */
function parseNine(data: string): OscReport | null {
  const numbered = /^([0-9]{1,2})(?:;(.*))?$/s.exec(data);
  if (numbered === null) return notification("", data, "", true);
  if (numbered[1] !== "4") return null;
  const [state = "", percent = ""] = (numbered[2] ?? "").split(";");
  const name = (["none", "normal", "error", "indeterminate", "paused"] as const)[/^[0-4]$/.test(state) ? Number(state) : -1];
  if (name === undefined) return null;
  const said = /^[0-9]{1,3}$/.test(percent) && name !== "none" && name !== "indeterminate";
  return { type: "progress", state: name, percent: said ? Math.min(100, Number(percent)) : null };
}

function parseNotify(data: string): NotificationReport | null {
  const match = /^notify;([^;]*)(?:;(.*))?$/s.exec(data);
  return match === null ? null : notification(match[1] ?? "", match[2] ?? "", "", true);
}

/** `key=value:key=value;payload`. Icons, buttons, queries and closing mean nothing here. */
function parseKittyNotification(data: string): NotificationReport | null {
  const at = data.indexOf(";");
  if (at < 0) return null;
  const fields = new Map<string, string>();
  for (const field of data.slice(0, Math.min(at, 1_024)).split(":"))
    fields.set(field.slice(0, 1), field.startsWith("=", 1) ? field.slice(2) : "");
  const part = fields.get("p") ?? "title";
  if (part !== "title" && part !== "body") return null;
  const raw = data.slice(at + 1);
  const payload = fields.get("e") === "1" ? Buffer.from(raw.slice(0, MAX_BODY * 8), "base64").toString("utf8") : raw;
  const done = fields.get("d") !== "0";
  const id = plain(fields.get("i") ?? "", MAX_ID);
  return part === "title" ? notification(payload, "", id, done) : notification("", payload, id, done);
}

function notification(title: string, body: string, id: string, done: boolean): NotificationReport | null {
  const report = { type: "notification" as const, title: plain(title, MAX_TITLE), body: plain(body, MAX_BODY), id, done };
  return report.title === "" && report.body === "" && id === "" ? null : report;
}

/** C0, DEL, C1, and the marks that turn the direction of text: what could change more than the place it is shown in. */
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g;

/** One printable line of at most `max` UTF-16 units, never half a surrogate pair. */
export function plain(text: string, max: number): string {
  const line = text
    .slice(0, max * 4)
    .replace(UNPRINTABLE, " ")
    .trim();
  return line.length <= max ? line : line.slice(0, max).replace(/[\ud800-\udbff]$/, "");
}

/** Percent-encoded UTF-8. A `%` that begins no escape stands for itself. */
function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  const parts = text.split(/((?:%[0-9A-Fa-f]{2})+)/);
  return parts.map((part, i) => (i % 2 === 1 ? Buffer.from(part.replaceAll("%", ""), "hex").toString("utf8") : part)).join("");
}
