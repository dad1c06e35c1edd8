/** The table of `ls`: (sessions, moment, width) → lines. Pure. */
import type { SessionSummary } from "../session.js";
import type { Colours } from "./colours.js";
import { paintState, restWords } from "./colours.js";
import type { Column } from "./columns.js";
import { layOut } from "./columns.js";
import { briefAge } from "./duration.js";
import { homely, printable } from "./printable.js";

const COLUMNS: readonly Column[] = [
  { title: "ID" },
  { title: "NAME", least: 8 },
  { title: "STATE" },
  { title: "FOR", align: "right" },
  { title: "CWD", least: 10 },
  { title: "TITLE", least: 8 },
];
const STATE_COLUMN = 2;

export interface TableSetting {
  /** Milliseconds since 1970. */
  now: number;
  home: string | undefined;
  /** Cells of a line; undefined = no limit. */
  width: number | undefined;
  colours: Colours;
}

export function sessionTable(sessions: readonly SessionSummary[], setting: TableSetting): string[] {
  // Where no tool is known the column would only take room.
  const tools = sessions.some(({ tool }) => tool !== null);
  const columns = tools ? [...COLUMNS.slice(0, STATE_COLUMN), { title: "TOOL" }, ...COLUMNS.slice(STATE_COLUMN)] : COLUMNS;
  const stateColumn = tools ? STATE_COLUMN + 1 : STATE_COLUMN;
  const rows = sessions.map((session) => [
    session.id,
    printable(session.name),
    ...(tools ? [session.tool ?? ""] : []),
    restWords(session.state, session.evidence.confidence, session.rest_state),
    briefAge(setting.now - session.state_since),
    printable(homely(session.cwd, setting.home)),
    printable(titleOf(session)),
  ]);
  return layOut(columns, rows, setting.width, (text, row, column) => {
    const session = sessions[row];
    return column === stateColumn && session !== undefined ? paintState(setting.colours, session.state, text) : text;
  });
}

/** What a session is about, in a few words: how it ended, its thought, its title, or what it runs. */
export function titleOf(session: SessionSummary): string {
  if (session.exit !== null && session.state === "exited") return exitWords(session.exit);
  // What a shell at its prompt ran last says nothing any more; what an agent works on does.
  const over = session.thought?.source === "static_sleeping" && session.tool === null;
  if (session.thought !== null && !over) return session.thought.text;
  if (session.title !== "") return session.title;
  return session.current_command ?? [session.command, ...session.args].join(" ");
}

/** `exit 7`, `SIGKILL (killed)`, `status lost`. */
export function exitWords(exit: NonNullable<SessionSummary["exit"]>): string {
  const how = exit.signal ?? (exit.code === null ? "status lost" : `exit ${exit.code}`);
  return exit.reason === "process_exit" || exit.reason === "lost" ? how : `${how} (${exit.reason})`;
}
