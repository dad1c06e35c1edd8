/**
 * What a program wrote, with times: lifeguard's own recordings (test/support/record-agents.mjs) and asciicasts of version 2, as
 * `lifeguard logs --cast` writes them. One text, parsed whole.
 */
import { LifeguardError, messageOf } from "../errors.js";
import { SESSION_STATES, type SessionState } from "../session.js";

export interface Recording {
  tool: string | null;
  version: string;
  cols: number;
  rows: number;
  /** The tool was started by hand, in a shell. */
  shell: boolean;
  /** Length in ms; every time below counts from the start. */
  end: number;
  output: [at: number, bytes: Uint8Array][];
  resizes: [at: number, cols: number, rows: number][];
  inputs: number[];
  /** What was in front: whether it was the session's own process, and its name. Empty: not recorded. */
  foreground: [at: number, isLeader: boolean, command: string | null][];
  /** The states that its frames show to a reader, and from when. */
  timeline: [at: number, state: SessionState, why: string][];
  /** How and when they were made sure of; null: they are a draft. */
  checked: { by: string; on: string } | null;
}

/** @throws LifeguardError INVALID_PARAMS naming file and line */
export function parseRecording(text: string, file: string): Recording {
  try {
    return text.slice(0, 2_000).includes('"output"') || !/^\{.*"version"\s*:\s*2/.test(text.split("\n", 1)[0] ?? "")
      ? ownRecording(JSON.parse(text) as Record<string, unknown>)
      : asciicast(text);
  } catch (error) {
    throw new LifeguardError("INVALID_PARAMS", `${file} is neither a recording nor an asciicast (version 2): ${messageOf(error)}`, {
      field: "recording",
    });
  }
}

function ownRecording(raw: Record<string, unknown>): Recording {
  const list = (name: string): unknown[][] => {
    const value = raw[name] ?? [];
    if (!Array.isArray(value)) throw new Error(`${name} is no list`);
    return value as unknown[][];
  };
  if (!Array.isArray(raw["output"])) throw new Error("it has no output");
  const output = list("output").map(([at, data]): [number, Uint8Array] => [Number(at), Buffer.from(String(data), "base64")]);
  return {
    tool: typeof raw["tool"] === "string" ? raw["tool"] : null,
    version: words(raw["version"]),
    cols: positive(raw["cols"], "cols"),
    rows: positive(raw["rows"], "rows"),
    shell: raw["shell"] === true,
    end: Number(raw["end"] ?? output.at(-1)?.[0] ?? 0),
    output,
    resizes: list("resizes").map(([at, cols, rows]) => [Number(at), positive(cols, "resizes"), positive(rows, "resizes")]),
    inputs: list("inputs").map(([at]) => Number(at)),
    foreground: list("foreground").map(([at, isLeader, command]) => [
      Number(at),
      isLeader === true,
      typeof command === "string" ? command : null,
    ]),
    timeline: list("timeline").map(([at, state, why]) => [Number(at), stateOf(state), words(why)]),
    checked: checkOf(raw["checked"]),
  };
}

function asciicast(text: string): Recording {
  const [head = "", ...lines] = text.trimEnd().split("\n");
  const header = JSON.parse(head) as Record<string, unknown>;
  const recording: Recording = {
    tool: null,
    version: "",
    cols: positive(header["width"], "width"),
    rows: positive(header["height"], "height"),
    shell: false,
    end: 0,
    output: [],
    resizes: [],
    inputs: [],
    foreground: [],
    timeline: [],
    checked: null,
  };
  for (const line of lines) {
    const [seconds, kind, data] = JSON.parse(line) as [number, string, string];
    const at = Math.round(seconds * 1_000);
    recording.end = Math.max(recording.end, at);
    if (kind === "o") recording.output.push([at, Buffer.from(data)]);
    else if (kind === "i") recording.inputs.push(at);
    else if (kind === "r") {
      const [cols, rows] = data.split("x");
      recording.resizes.push([at, positive(Number(cols), "size"), positive(Number(rows), "size")]);
    }
  }
  // What shows last may be held for a while.
  recording.end += 3_000;
  return recording;
}

function checkOf(value: unknown): Recording["checked"] {
  if (typeof value !== "object" || value === null) return null;
  const { by, on } = value as Record<string, unknown>;
  return typeof by === "string" && typeof on === "string" ? { by, on } : null;
}

function positive(value: unknown, what: string): number {
  if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > 1_000)
    throw new Error(`${what} is no size: ${String(value).slice(0, 40)}`);
  return Number(value);
}

function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function stateOf(value: unknown): SessionState {
  const state = SESSION_STATES.find((known) => known === value);
  if (state === undefined) throw new Error(`${String(value).slice(0, 40)} is no state`);
  return state;
}
