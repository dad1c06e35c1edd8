/** What `top` shows and how keys change it: (state, key) → (state, action). Pure; nothing here draws or talks to the daemon. */
import { sessionNumber } from "../../session.js";
import type { SessionState, SessionSummary } from "../../session.js";
import { titleOf } from "../session-table.js";

/** The figures of the header, from `daemon.status`. */
export interface TopStatus {
  daemonRss: number;
  keeperRss: number;
  threads: number;
  uptimeMs: number;
}

export type TopMode =
  | { kind: "list" }
  | { kind: "filter" }
  | { kind: "confirm-kill"; id: string }
  | { kind: "help" }
  /** The screen of one session; null while it is fetched. `answering`: keys go to the session. */
  | { kind: "peek"; id: string; lines: readonly string[] | null; answering: boolean }
  | { kind: "prompt"; id: string; text: string };

/** A line of the table. */
export type TopRow = { kind: "session"; id: string } | { kind: "group"; title: string; count: number };

export interface TopState {
  sessions: ReadonlyMap<string, SessionSummary>;
  /** In the order shown, the filter applied. */
  order: readonly string[];
  /** What is drawn: `order`, with a heading for each repository when they are grouped. */
  rows: readonly TopRow[];
  grouped: boolean;
  selected: string | null;
  /** Index in `rows` of the first row shown. */
  top: number;
  filter: string;
  mode: TopMode;
  status: TopStatus | null;
  /** Why nothing is live just now. */
  trouble: string | null;
  /** What the last key did, in words. */
  message: string | null;
}

export type TopAction =
  | { kind: "none" }
  | { kind: "quit" }
  | { kind: "redraw" }
  | { kind: "attach"; id: string }
  | { kind: "peek"; id: string }
  | { kind: "kill"; id: string }
  /** One key, by tmux's name, into the session. */
  | { kind: "answer"; id: string; key: string }
  | { kind: "prompt"; id: string; text: string }
  | { kind: "restart"; id: string };

/** Lines of a frame that are not rows: three above, one below. */
export const FIXED_LINES = 4;

const NEED: Record<SessionState, number> = { attention: 0, error: 1, busy: 2, starting: 3, idle: 4, exited: 5 };

export const EMPTY: TopState = {
  sessions: new Map(),
  order: [],
  rows: [],
  grouped: false,
  selected: null,
  top: 0,
  filter: "",
  mode: { kind: "list" },
  status: null,
  trouble: null,
  message: null,
};

/** Who needs a person comes first; who has waited longest, before that. The rest keep their places. */
export function byNeed(a: SessionSummary, b: SessionSummary): number {
  const need = NEED[a.state] - NEED[b.state];
  if (need !== 0) return need;
  if (a.state === "attention" && a.state_since !== b.state_since) return a.state_since - b.state_since;
  return (sessionNumber(a.id) ?? 0) - (sessionNumber(b.id) ?? 0);
}

function matches(session: SessionSummary, filter: string): boolean {
  if (filter === "") return true;
  const words = filter.toLowerCase().split(/\s+/);
  const text = [
    session.id,
    session.name,
    session.state,
    session.cwd,
    session.repo?.branch ?? "",
    session.tool ?? "",
    titleOf(session),
    ...Object.entries(session.labels).map(([key, value]) => `${key}=${value}`),
  ]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The same state with other sessions: order, selection and scroll follow. */
export function withSessions(state: TopState, sessions: ReadonlyMap<string, SessionSummary>, lines: number): TopState {
  const sorted = [...sessions.values()].filter((session) => matches(session, state.filter)).sort(byNeed);
  const rows: TopRow[] = state.grouped ? grouped(sorted) : sorted.map(({ id }) => ({ kind: "session", id }));
  const order = rows.flatMap((row) => (row.kind === "session" ? [row.id] : []));
  let { selected } = state;
  if (selected === null || !order.includes(selected)) {
    // The one that took its place on the screen.
    const place = selected === null ? 0 : Math.max(0, state.order.indexOf(selected));
    selected = order[Math.min(place, order.length - 1)] ?? null;
  }
  return scrolled({ ...state, sessions, order, rows, selected }, lines);
}

/** Repositories in the order of who in them needs a person most; sessions outside of any come last. */
function grouped(sorted: readonly SessionSummary[]): TopRow[] {
  const groups = new Map<string, SessionSummary[]>();
  for (const session of sorted) {
    const root = session.repo?.root ?? "";
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [session]);
    else group.push(session);
  }
  const outside = groups.get("");
  groups.delete("");
  if (outside !== undefined) groups.set("", outside);
  return [...groups].flatMap(([root, sessions]): TopRow[] => [
    { kind: "group", title: root === "" ? "no repository" : root, count: sessions.length },
    ...sessions.map(({ id }): TopRow => ({ kind: "session", id })),
  ]);
}

/** The selection in view, and no empty lines below the last row. `rows`: lines of the whole terminal. */
export function scrolled(state: TopState, rows: number): TopState {
  const room = Math.max(1, rows - FIXED_LINES);
  const index = Math.max(
    0,
    state.rows.findIndex((row) => row.kind === "session" && row.id === state.selected),
  );
  let top = Math.min(state.top, Math.max(0, state.rows.length - room));
  // With its heading, where that is the line above.
  const first = state.rows[index - 1]?.kind === "group" ? index - 1 : index;
  if (first < top) top = first;
  if (index >= top + room) top = index - room + 1;
  return top === state.top ? state : { ...state, top };
}

const NONE: TopAction = { kind: "none" };

/** @param rows lines of the terminal */
export function pressed(before: TopState, key: string, rows: number): { state: TopState; action: TopAction } {
  const state = before.message === null ? before : { ...before, message: null };
  if (key === "ctrl-c") return { state, action: { kind: "quit" } };
  if (key === "ctrl-l") return { state, action: { kind: "redraw" } };
  switch (state.mode.kind) {
    case "list":
      return inList(state, key, rows);
    case "filter":
      return { state: inFilter(state, key, rows), action: NONE };
    case "confirm-kill": {
      const list: TopState = { ...state, mode: { kind: "list" } };
      return key === "y" || key === "Y"
        ? { state: list, action: { kind: "kill", id: state.mode.id } }
        : { state: { ...list, message: "not killed" }, action: NONE };
    }
    case "help":
      return { state: { ...state, mode: { kind: "list" } }, action: NONE };
    case "prompt":
      return inPrompt(state, state.mode, key);
    case "peek":
      return inPeek(state, state.mode, key);
  }
}

function inList(state: TopState, key: string, rows: number): { state: TopState; action: TopAction } {
  const page = Math.max(1, rows - FIXED_LINES - 1);
  const id = state.selected;
  const stay = (next: TopState): { state: TopState; action: TopAction } => ({ state: next, action: NONE });
  switch (key) {
    case "j":
    case "down":
      return stay(moved(state, 1, rows));
    case "k":
    case "up":
      return stay(moved(state, -1, rows));
    case "page-down":
    case " ":
      return stay(moved(state, page, rows));
    case "page-up":
      return stay(moved(state, -page, rows));
    case "g":
    case "home":
      return stay(moved(state, -state.order.length, rows));
    case "G":
    case "end":
      return stay(moved(state, state.order.length, rows));
    case "/":
      return stay({ ...state, mode: { kind: "filter" } });
    case "escape":
      return stay(state.filter === "" ? state : withSessions({ ...state, filter: "" }, state.sessions, rows));
    case "?":
    case "h":
      return stay({ ...state, mode: { kind: "help" } });
    case "q":
      return { state, action: { kind: "quit" } };
    case "enter":
    case "a":
      return id === null ? stay(state) : { state, action: { kind: "attach", id } };
    case "o":
      return id === null ? stay(state) : peeking(state, id, false);
    case "x":
      return stay(id === null ? state : { ...state, mode: { kind: "confirm-kill", id } });
    case "n":
    case "tab":
      return stay(toNextInNeed(state, rows));
    case "b":
      return stay(withSessions({ ...state, grouped: !state.grouped }, state.sessions, rows));
    case "p":
      return stay(id === null ? state : { ...state, mode: { kind: "prompt", id, text: "" } });
    case "y":
      return id === null ? stay(state) : peeking(state, id, true);
    case "r":
      return id === null ? stay(state) : { state, action: { kind: "restart", id } };
    default:
      return stay(state);
  }
}

function peeking(state: TopState, id: string, answering: boolean): { state: TopState; action: TopAction } {
  return { state: { ...state, mode: { kind: "peek", id, lines: null, answering } }, action: { kind: "peek", id } };
}

/** Keys that answer a dialog, by the names that the session is sent. Letters and digits are themselves. */
const ANSWERS: Readonly<Record<string, string>> = {
  enter: "Enter",
  up: "Up",
  down: "Down",
  left: "Left",
  right: "Right",
  tab: "Tab",
  " ": "Space",
  backspace: "BSpace",
  escape: "Escape",
};

function inPeek(state: TopState, mode: Extract<TopMode, { kind: "peek" }>, key: string): { state: TopState; action: TopAction } {
  const { id } = mode;
  if (mode.answering) {
    if (key === "q") return { state: { ...state, mode: { ...mode, answering: false } }, action: NONE };
    const named = ANSWERS[key] ?? (/^[0-9a-zA-Z]$/.test(key) ? key : undefined);
    return { state, action: named === undefined ? NONE : { kind: "answer", id, key: named } };
  }
  const list: TopState = { ...state, mode: { kind: "list" } };
  switch (key) {
    case "a":
    case "enter":
      return { state: list, action: { kind: "attach", id } };
    case "y":
      return { state: { ...state, mode: { ...mode, answering: true } }, action: NONE };
    case "p":
      return { state: { ...state, mode: { kind: "prompt", id, text: "" } }, action: NONE };
    default:
      return { state: list, action: NONE };
  }
}

function inPrompt(state: TopState, mode: Extract<TopMode, { kind: "prompt" }>, key: string): { state: TopState; action: TopAction } {
  const list: TopState = { ...state, mode: { kind: "list" } };
  if (key === "escape") return { state: list, action: NONE };
  if (key === "enter") return mode.text.trim() === "" ? { state: list, action: NONE } : { state: list, action: { ...mode } };
  const text = key === "backspace" ? [...mode.text].slice(0, -1).join("") : [...key].length === 1 ? mode.text + key : mode.text;
  return { state: { ...state, mode: { ...mode, text } }, action: NONE };
}

/** The next session below that needs a person, from the top again after the last. */
function toNextInNeed(state: TopState, rows: number): TopState {
  const from = state.selected === null ? -1 : state.order.indexOf(state.selected);
  const after = [...state.order.slice(from + 1), ...state.order.slice(0, from + 1)];
  const selected = after.find((id) => NEED[state.sessions.get(id)?.state ?? "idle"] <= NEED.error);
  return selected === undefined ? { ...state, message: "nobody needs you" } : scrolled({ ...state, selected }, rows);
}

function moved(state: TopState, by: number, rows: number): TopState {
  if (state.order.length === 0) return state;
  const index = state.selected === null ? 0 : state.order.indexOf(state.selected);
  const next = Math.min(state.order.length - 1, Math.max(0, index + by));
  return scrolled({ ...state, selected: state.order[next] ?? null }, rows);
}

function inFilter(state: TopState, key: string, rows: number): TopState {
  const list: TopMode = { kind: "list" };
  if (key === "enter") return { ...state, mode: list };
  const filter =
    key === "escape"
      ? ""
      : key === "backspace"
        ? [...state.filter].slice(0, -1).join("")
        : [...key].length === 1
          ? state.filter + key
          : state.filter;
  const mode = key === "escape" || (key === "backspace" && state.filter === "") ? list : state.mode;
  return withSessions({ ...state, filter, mode }, state.sessions, rows);
}
