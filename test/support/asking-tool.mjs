// A coding agent in small: a prompt box that takes pastes, a turn for each prompt, and dialogs that open when it likes. What it reads
// while a dialog is open goes into its log, so that a test knows of every byte that was typed into one.
//   asking-tool.mjs LOG [dialog every MS at random] [turn of MS]
import { appendFileSync } from "node:fs";

const [log, every = "0", turnMs = "150"] = process.argv.slice(2);
const WIDTH = 70;
const rule = "─".repeat(WIDTH);
const note = (what, fields = {}) => appendFileSync(log, `${JSON.stringify({ what, at: Date.now(), ...fields })}\n`);

let box = "";
const said = [];
let state = "idle";
let openedAt = 0;
let pasting = false;
let rest = "";

function draw() {
  const title = state === "busy" ? "at: works" : "at: rests";
  const shown = box.split("\n").slice(-12);
  const below =
    state === "asks"
      ? ["Do you want to proceed?", "❯ 1. Yes", "  2. No", "Esc to cancel"]
      : [rule, ...shown.map((line, index) => `${index === 0 ? "❯" : " "} ${line}`), rule, "  ? for help"];
  const lines = [...said.slice(-6).map((line) => line.slice(0, WIDTH)), ...below];
  process.stdout.write(`\x1b[?2026h\x1b]2;${title}\x07\x1b[2J\x1b[H${lines.join("\r\n")}\x1b[?2026l`);
}

function enter(next) {
  state = next;
  if (next === "asks") {
    openedAt = Date.now();
    note("opened");
  }
  draw();
}

function submit() {
  if (box === "") return;
  note("prompt", { text: box });
  said.push(...box.split("\n").slice(-3));
  box = "";
  enter("busy");
  setTimeout(() => {
    if (state === "busy") enter("idle");
  }, Number(turnMs));
}

function key(text) {
  if (state === "asks") {
    note("typed_into_dialog", { bytes: Buffer.from(text).toString("hex").slice(0, 80), after: Date.now() - openedAt });
    if (text === "\r" || text === "1") note("answered", { after: Date.now() - openedAt });
    if (/^[\r\x1b12]$/.test(text)) enter("idle");
    return;
  }
  if (text === "\r") return state === "idle" ? submit() : undefined;
  if (text === "\x15") box = "";
  else if (text >= " " || text === "\t") box += text;
}

function read(chunk) {
  rest += chunk;
  for (;;) {
    if (pasting) {
      const end = rest.indexOf("\x1b[201~");
      if (end < 0) return;
      const text = rest.slice(0, end).replaceAll("\r", "\n");
      rest = rest.slice(end + 6);
      pasting = false;
      if (state === "asks") key(text);
      else box += text;
      continue;
    }
    if (rest.startsWith("\x1b[200~")) {
      pasting = true;
      rest = rest.slice(6);
      continue;
    }
    // The beginning of a paste may come in parts.
    if (rest !== "\x1b" && "\x1b[200~".startsWith(rest) && rest !== "") return;
    const [first] = rest;
    if (first === undefined) return;
    rest = rest.slice(first.length);
    key(first);
  }
}

process.stdin.setRawMode(true);
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk) => {
  read(chunk);
  draw();
});
process.stdout.write("\x1b[?2004h");
if (Number(every) > 0) {
  const open = () => {
    if (state === "idle") enter("asks");
    setTimeout(open, Math.random() * 2 * Number(every));
  };
  setTimeout(open, Number(every));
}
process.on("SIGUSR1", () => enter("asks"));
process.on("SIGUSR2", () => enter("idle"));
draw();
note("ready");
