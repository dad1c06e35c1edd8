// Prints what a recording showed, frame by frame, for a person who reads it: no rule, no state, no stored timeline. The terminal is
// xterm's own, without anything of src/. A frame is the screen once it has stood still for FRAME_MS; of each only the rows that changed
// are printed, and frames in which the same one to three rows go on changing (spinners, clocks, streaming) are counted.
//   node test/support/read-frames.mjs test/recordings/TOOL/NAME.json [--all]
import { readFileSync } from "node:fs";
import headless from "@xterm/headless";
import unicode from "@xterm/addon-unicode11";

const FRAME_MS = 12;
const [file] = process.argv.slice(2);
const all = process.argv.includes("--all");
const recording = JSON.parse(readFileSync(file, "utf8"));
const terminal = new headless.Terminal({ cols: recording.cols, rows: recording.rows, allowProposedApi: true, scrollback: 0 });
terminal.loadAddon(new unicode.Unicode11Addon());
terminal.unicode.activeVersion = "11";
let title = "";
terminal.onTitleChange((text) => (title = text));
const write = (bytes) => new Promise((resolve) => terminal.write(bytes, resolve));
const screen = () =>
  Array.from(
    { length: terminal.rows },
    (_, y) => terminal.buffer.active.getLine(terminal.buffer.active.viewportY + y)?.translateToString(true) ?? "",
  );

let before = [];
let titleBefore = "";
let repeated = { rows: "", count: 0, last: 0, text: [] };
function flush() {
  if (repeated.count > 0) {
    console.log(`   … ${repeated.count} more of the same rows until ${repeated.last}`);
    for (const line of repeated.text) console.log(line);
  }
  repeated = { rows: "", count: 0, last: 0, text: [] };
}
function frame(at) {
  const rows = screen();
  const changed = rows.flatMap((row, y) => (row === (before[y] ?? "") ? [] : [y]));
  const newTitle = title !== titleBefore;
  if (changed.length === 0 && !newTitle) return;
  const lines = changed.map((y) => `     ${String(y).padStart(2)}| ${rows[y]}`);
  const bare = (text) => text.replace(/^\S{1,2} /u, "");
  const spinning = changed.length <= 3 && (!newTitle || bare(title) === bare(titleBefore));
  if (!all && spinning && repeated.rows === "any") {
    repeated.count++;
    repeated.last = at;
    repeated.text = lines;
  } else {
    flush();
    console.log(`${String(at).padStart(6)} ${newTitle ? `title ${JSON.stringify(title)}` : ""}`);
    for (const line of lines) console.log(line);
    if (spinning) repeated.rows = "any";
  }
  before = rows;
  titleBefore = title;
}
const steps = [
  ...recording.output.map(([at, data]) => ({ at, bytes: Buffer.from(data, "base64") })),
  ...recording.resizes.map(([at, cols, rows]) => ({ at, size: [cols, rows] })),
  ...recording.inputs.map(([at, text]) => ({ at, text })),
  ...(recording.foreground ?? []).map(([at, leader, command]) => ({ at, front: `${command}${leader ? " (the session's own)" : ""}` })),
].sort((a, b) => a.at - b.at);
let typed = "";
for (const [index, step] of steps.entries()) {
  if (step.bytes !== undefined) await write(step.bytes);
  else if (step.size !== undefined) {
    frame(step.at);
    flush();
    terminal.resize(...step.size);
    console.log(`${String(step.at).padStart(6)} RESIZED to ${step.size.join("x")}`);
  } else if (step.text !== undefined) typed += step.text;
  else {
    flush();
    console.log(`${String(step.at).padStart(6)} IN FRONT: ${step.front}`);
  }
  const next = steps[index + 1];
  if (typed !== "" && (next === undefined || next.text === undefined || next.at - step.at > 200)) {
    flush();
    console.log(`${String(step.at).padStart(6)} TYPED ${JSON.stringify(typed)}`);
    typed = "";
  }
  if (next === undefined || next.at - step.at >= FRAME_MS) frame(step.at);
}
flush();
console.log(`${String(recording.end).padStart(6)} end`);
