/** `show` for people: one field a line, the evidence included. Pure. */
import type { SessionSummary } from "../session.js";
import type { Colours } from "./colours.js";
import { paintState, stateWords } from "./colours.js";
import { briefAge } from "./duration.js";
import { rfc3339 } from "./json.js";
import { homely, printable, shellWords } from "./printable.js";
import { exitWords } from "./session-table.js";

export function sessionDetails(session: SessionSummary, setting: { now: number; home: string | undefined; colours: Colours }): string[] {
  const { now, home, colours } = setting;
  const ago = (ms: number | null): string => (ms === null ? "–" : `${rfc3339(ms)} (${briefAge(now - ms)} ago)`);
  const { evidence } = session;
  const fields: [string, string | null][] = [
    ["id", session.id],
    ["name", session.name],
    [
      "state",
      `${paintState(colours, session.state, stateWords(session.state, evidence.confidence))} for ${briefAge(now - session.state_since)}, ${session.rest_state}`,
    ],
    ["evidence", printable(`${evidence.source}: ${evidence.rule}, confidence ${evidence.confidence}, ${briefAge(now - evidence.at)} ago`)],
    ["", evidence.detail === "" ? null : printable(evidence.detail)],
    ["exit", session.exit === null ? null : `${exitWords(session.exit)}, reason ${session.exit.reason}, ${ago(session.exit.at)}`],
    ["command", printable(shellWords([session.command, ...session.args]))],
    ["running", session.current_command === null ? null : printable(session.current_command)],
    ["title", session.title === "" ? null : printable(session.title)],
    ["prompt", session.prompt_delivery === null ? null : printable(session.prompt_delivery)],
    ["thought", session.thought === null ? null : thoughtWords(session.thought, now)],
    ["cwd", printable(homely(session.cwd, home))],
    ["pid", session.pid === null ? null : String(session.pid)],
    ["size", `${session.cols}x${session.rows}`],
    ["output", `${session.offset} bytes, last activity ${ago(session.last_activity_at)}`],
    ["created", ago(session.created_at)],
    ["started", `${ago(session.started_at)}, epoch ${session.epoch}, ${session.restarts} restarts`],
    ["watchers", `${session.watchers}${session.writer === null ? "" : `, the pen is held by ${printable(session.writer)}`}`],
    ["health", session.recovered_from === null ? session.health : `${session.health}, recovered from ${session.recovered_from}`],
    [
      "saved",
      `${session.last_checkpoint_at === null ? "no checkpoint yet" : `last checkpoint ${ago(session.last_checkpoint_at)}`}${session.dirty ? ", changed since" : ""}`,
    ],
    ["pinned", session.pinned ? "retention never takes it" : null],
    [
      "labels",
      Object.keys(session.labels).length === 0
        ? null
        : printable(
            Object.entries(session.labels)
              .map(([key, value]) => `${key}=${value}`)
              .join(" "),
          ),
    ],
  ];
  return fields.flatMap(([label, value]) => (value === null ? [] : [`${colours.dim(label.padEnd(9))} ${value}`]));
}

function thoughtWords({ text, state, source, updated_at }: NonNullable<SessionSummary["thought"]>, now: number): string {
  return printable(`${text} (${state}, ${source}, ${briefAge(now - updated_at)} ago)`);
}
