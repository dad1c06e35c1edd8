/** The recordings of real agents, and what their screens showed at a moment. */
import { readdirSync, readFileSync } from "node:fs";
import { parseRecording, type Recording } from "../../src/actors/recording.js";
import { Terminal } from "../../src/actors/terminal/terminal.js";
import type { SessionState } from "../../src/session.js";

const RECORDINGS = new URL("../recordings/", import.meta.url);
const SILENT = { reply: (): void => {}, title: (): void => {}, bell: (): void => {}, osc: (): void => {} };

/** What was recorded of agents beside their screens. */
const OTHERS = new Set(["hooks"]);

/** `claude/turn.json` and so on. */
export const recordingFiles: readonly string[] = readdirSync(RECORDINGS)
  .filter((directory) => !OTHERS.has(directory))
  .flatMap((directory) => readdirSync(new URL(`${directory}/`, RECORDINGS)).map((file) => `${directory}/${file}`));

export function loadRecording(file: string): Recording {
  return parseRecording(readFileSync(new URL(file, RECORDINGS), "utf8"), file);
}

export interface Picture {
  /** Without trailing blanks. */
  rows: string[];
  title: string;
}

/** Screen and title at a moment, ms from the start, by the terminal alone. */
export function pictureAt(recording: Recording, at: number): Picture {
  const terminal = new Terminal({ cols: recording.cols, rows: recording.rows }, { historyLines: 100 }, SILENT);
  const steps = [
    ...recording.output.map(([time, bytes]) => ({ time, run: (): void => terminal.feed(bytes) })),
    ...recording.resizes.map(([time, cols, rows]) => ({ time, run: (): void => terminal.resize({ cols, rows }) })),
  ].sort((a, b) => a.time - b.time);
  for (const { time, run } of steps) if (time <= at) run();
  const picture = { rows: terminal.screenText().map((row) => row.trimEnd()), title: terminal.title };
  terminal.dispose();
  return picture;
}

/** When each state of the timeline ends, the last one with the recording. */
export function spansOf(recording: Recording): { state: SessionState; from: number; to: number }[] {
  return recording.timeline.map(([from, state], index) => ({ state, from, to: recording.timeline[index + 1]?.[0] ?? recording.end }));
}
