/**
 * What a pane showed before anybody listened: the commands that capture it, and the bytes that make a terminal show the same. All
 * commands go in one line, which tmux runs between two reads of the pane: what has come before is in the capture, what comes after
 * follows it as output, and nothing is in both.
 */
import { PANE_FACTS, readPaneFacts, type PaneFacts } from "./pane-facts.js";
import { unescapeOctal } from "./control-stream.js";

/** What tmux knows of the pane. */
export interface Look {
  facts: PaneFacts;
  /** Empty when nobody has given it one. */
  title: string;
  path: string;
  command: string;
}

export interface Seed extends Look {
  /** For a terminal of `facts.cols` × `facts.rows`, in whatever state it is. */
  bytes: Buffer;
}

export const LOOK_COMMANDS: string = [PANE_FACTS, "#{pane_title}", "#{pane_current_path}", "#{pane_current_command}"]
  .map((format) => `display-message -p "${format}"`)
  .join(" ; ");
/** Answers that {@link LOOK_COMMANDS} bring. */
export const LOOK_ANSWERS = 4;
/** Answers that {@link seedCommands} bring. */
export const SEED_ANSWERS = 8;

/** @param history lines above the screen, at most */
export function seedCommands(history: number): string {
  return [
    LOOK_COMMANDS,
    `capture-pane -p -e -J -S -${Math.max(1, history)} -E -1`,
    `capture-pane -p -e -J`,
    // The screen behind the alternate one; nothing, and no error, when there is none.
    `capture-pane -p -e -J -a -q`,
    // The beginning of a sequence whose end is still to come.
    `capture-pane -p -C -P`,
  ].join(" ; ");
}

/** @param host this machine's name: what tmux calls a pane that nobody has given a title @returns null when these are no such answers */
export function readLook(answers: readonly (readonly Buffer[])[], host: string): Look | null {
  const [numbers, title, path, command] = answers;
  const facts = readPaneFacts(text(numbers));
  if (facts === null) return null;
  return { facts, title: text(title) === host ? "" : text(title), path: text(path), command: text(command) };
}

/** @param host as in {@link readLook} @returns null when these are no such answers */
export function readSeed(answers: readonly (readonly Buffer[])[], host: string): Seed | null {
  const [history, screen, behind, pending] = answers.slice(LOOK_ANSWERS);
  const look = readLook(answers, host);
  if (look === null || pending === undefined) return null;
  const { facts } = look;
  const parts: (Buffer | string)[] = ["\x1bc"];
  // tmux puts the first line of the screen where there is no history to capture.
  const above = facts.historyLines > 0 ? (history ?? []) : [];
  const front = facts.alternate ? (behind ?? []) : (screen ?? []);
  parts.push(...lines([...above, ...front]));
  if (facts.alternate) parts.push(`\x1b[m${cursorTo(facts.saved.x, facts.saved.y)}\x1b[?1049h\x1b[H`, ...lines(screen ?? []));
  parts.push("\x1b[m", modes(facts), look.title === "" ? "" : `\x1b]2;${look.title}\x1b\\`, unescapeOctal(Buffer.concat(pending)));
  return {
    ...look,
    bytes: Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part))),
  };
}

function text(answer: readonly Buffer[] | undefined): string {
  // eslint-disable-next-line no-control-regex -- what a program names itself is anybody's
  return Buffer.concat([...(answer ?? [])])
    .toString("utf8")
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

function lines(captured: readonly Buffer[]): (Buffer | string)[] {
  return captured.flatMap((line, at) => (at === 0 ? [line] : ["\r\n", line]));
}

function cursorTo(x: number, y: number): string {
  return `\x1b[${y + 1};${x + 1}H`;
}

function modes(facts: PaneFacts): string {
  const { top, bottom } = facts.scrollRegion;
  let set = "";
  if (top > 0 || bottom < facts.rows - 1) set += `\x1b[${top + 1};${bottom + 1}r`;
  // Origin mode moves the cursor, and counts it from the region's top: it is set last, and the cursor put by it.
  if (facts.origin) set += `\x1b[?6h${cursorTo(facts.cursor.x, Math.max(0, facts.cursor.y - top))}`;
  else set += cursorTo(Math.min(facts.cursor.x, facts.cols - 1), facts.cursor.y);
  if (facts.insert) set += "\x1b[4h";
  if (facts.cursorKeys) set += "\x1b[?1h";
  if (facts.keypad) set += "\x1b=";
  if (!facts.wrap) set += "\x1b[?7l";
  if (!facts.cursor.visible) set += "\x1b[?25l";
  if (facts.bracketedPaste) set += "\x1b[?2004h";
  for (const mode of facts.mouse) set += `\x1b[?${mode}h`;
  return set;
}
