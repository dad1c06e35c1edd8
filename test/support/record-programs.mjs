// Records what real programs write to a terminal, as fixtures for test/unit/terminal/programs.test.ts. Run by hand, after a build:
//   node test/support/record-programs.mjs [name…]
// Needs vim, less, top, htop and bash. Each fixture is what was read from the pty (base64), with the size it was read at, at the
// moment when the program had drawn what was waited for and before it was ended.
import { existsSync, mkdtempSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeDescriptor, readDescriptor, writeDescriptor } from "../../dist/libc/descriptors.js";
import { reap, spawnOnTerminal } from "../../dist/libc/processes.js";
import { openPty } from "../../dist/libc/terminals.js";
import { Terminal } from "../../dist/actors/terminal/terminal.js";

const FIXTURES = new URL("../fixtures/programs/", import.meta.url);
const MOST_BYTES = 140_000;
const SIZE = { cols: 100, rows: 30 };
const enter = (text) => ({ send: `${text}\r` });

const SOURCE = `// A file to look at.
export function greet(name: string): string {
  const greeting = \`Hello, \${name}! 你好，世界 👋 — “quotes”\`;
  return greeting;
}
${Array.from({ length: 120 }, (_, i) => `export const value${i} = ${i * i}; // ${"x".repeat(i % 90)}`).join("\n")}
`;

/** In a process namespace of its own (needs root), so that a recording shows nothing of the machine it was made on. */
const alone = (program) => [
  "unshare",
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
  "bash",
  "-c",
  `sleep 1001 & sleep 1002 & yes >/dev/null & exec ${program}`,
];

const PROGRAMS = {
  vim: {
    argv: [
      "vim",
      "-u",
      "NONE",
      "-N",
      "--cmd",
      "syntax on | set number mouse=a title ruler hlsearch laststatus=2 encoding=utf-8",
      "greet.ts",
    ],
    steps: [{ until: "A file to look at" }, { send: "/value\r" }, { until: "value0" }, { send: "15jVjj" }, { until: "VISUAL" }],
  },
  "vim-left": {
    argv: ["bash", "--norc", "-i"],
    steps: [
      { until: "$" },
      enter("echo before; vim -u NONE -N greet.ts; echo aft''er"),
      { until: "A file to look at" },
      enter(":q"),
      { until: "after" },
    ],
  },
  less: {
    argv: ["less", "-R", "-N", "-S", "greet.ts"],
    steps: [{ until: "A file to look at" }, { send: "  /value9\r" }, { until: "value90" }],
  },
  top: { argv: alone("top -b -n 2 -d 0.2"), steps: [{ until: "sleep" }, { quiet: 600 }] },
  "top-full-screen": {
    argv: alone("top -d 0.5"),
    steps: [{ until: "sleep" }, { send: "z" }, { until: "PID" }, { send: "x" }, { until: "PID" }],
  },
  htop: { argv: alone("htop -d 5"), steps: [{ until: "F10" }, { send: "\x1b[B\x1b[B" }, { until: "F10" }] },
  "shell-colours": {
    argv: ["bash", "--norc", "-i"],
    steps: [
      { until: "$" },
      enter("PS1='\\[\\e[1;32m\\]user@host\\[\\e[m\\]:\\[\\e[1;34m\\]\\w\\[\\e[m\\]\\$ '"),
      enter("ls --color=always -la /usr/bin | head -60"),
      enter("for i in {0..255}; do printf '\\e[48;5;%dm %3d \\e[0m' $i $i; done; echo"),
      enter("for i in {0..99}; do printf '\\e[48;2;%d;%d;120m \\e[0m' $((i*2)) $((255-i*2)); done; echo"),
      enter(
        "printf '\\e[1mbold\\e[0m \\e[2mdim\\e[0m \\e[3mitalic\\e[0m \\e[4munder\\e[0m \\e[4:3;58:5:196mcurly\\e[0m \\e[7minverse\\e[0m \\e[9mstrike\\e[0m \\e[53mover\\e[0m\\n'; echo do''ne",
      ),
      { until: "done" },
    ],
  },
  "wide-text": {
    argv: ["bash", "--norc", "-i"],
    steps: [
      { until: "$" },
      enter("for i in {1..9}; do printf 'x%.0s' $(seq $i); printf '中文字符日本語テキスト한국어%.0s' {1..6}; echo; done"),
      enter("echo 'e\u0301a\u0300 👩‍🚀 👍🏽 🇩🇪 ⚠️ 🫠 ✳ ⠋ ◐ ❯ “quotes” — … ─│┌┐└┘├┤┬┴┼ ╭─╮'"),
      enter("printf 'emoji %.0s🎉🚀✨' {1..30}; echo; echo do''ne"),
      { until: "done" },
    ],
  },
  modes: {
    argv: ["bash", "--norc", "-i"],
    steps: [
      { until: "$" },
      enter("printf '\\e]0;a title — 标题\\a\\e]8;;https://example.org/\\a a link \\e]8;;\\a\\n'; seq 1 50"),
      enter("printf '\\e[?1002h\\e[?1006h\\e[?1004h\\e[?1h\\e=\\e[5 q\\e[4;20r\\e[10;10H\\e7\\e(0lqqk\\e(B\\e[15;40H'; echo do''ne"),
      { until: "done" },
    ],
  },
};

function programPath(program) {
  const found = (process.env.PATH ?? "")
    .split(":")
    .map((directory) => join(directory, program))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${program} is not installed`);
  return found;
}

async function record(name, { argv, steps }) {
  const cwd = mkdtempSync(join(tmpdir(), "lifeguard-record-"));
  writeFileSync(join(cwd, "greet.ts"), SOURCE);
  const { master, slavePath } = openPty(SIZE.cols, SIZE.rows);
  const env = {
    PATH: process.env.PATH,
    HOME: cwd,
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    PS1: "$ ",
    COLUMNS: String(SIZE.cols),
    LINES: String(SIZE.rows),
  };
  const pid = spawnOnTerminal({
    file: programPath(argv[0]),
    argv,
    env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    cwd,
    slavePath,
  });
  const chunks = [];
  let bytes = 0;
  let last = Date.now();
  const terminal = new Terminal(
    SIZE,
    { historyLines: 1000 },
    { reply: (answer) => writeDescriptor(master, answer), title() {}, bell() {}, osc() {} },
  );
  const page = Buffer.alloc(65_536);
  const read = () => {
    for (let n = readDescriptor(master, page); n > 0; n = readDescriptor(master, page)) {
      const chunk = Buffer.from(page.subarray(0, n));
      chunks.push(chunk);
      bytes += n;
      last = Date.now();
      terminal.feed(chunk);
    }
  };
  const until = async (holds, what) => {
    for (const end = Date.now() + 10_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 10))) {
      if (Date.now() > end) throw new Error(`${name}: ${what} did not come; the screen is\n${terminal.screenText().join("\n")}`);
      read();
    }
  };
  for (const step of steps) {
    if (step.until !== undefined)
      await until(() => terminal.screenText().some((line) => line.includes(step.until)), JSON.stringify(step.until));
    await until(() => Date.now() - last > (step.quiet ?? 150), "quiet");
    if (step.send !== undefined) {
      writeDescriptor(master, Buffer.from(step.send));
      last = Date.now();
    }
  }
  await until(() => Date.now() - last > 150, "quiet");
  closeDescriptor(master);
  process.kill(pid, "SIGKILL");
  while (reap(pid) === null) await new Promise((resolve) => setTimeout(resolve, 10));
  rmSync(cwd, { recursive: true });
  if (bytes > MOST_BYTES) throw new Error(`${name}: ${bytes} bytes, at most ${MOST_BYTES} make a fixture`);
  const private_ = [process.env.USER, process.env.HOSTNAME, process.cwd()].filter((word) => word !== undefined && word.length > 4);
  const raw = Buffer.concat(chunks);
  for (const word of private_) if (raw.includes(word)) throw new Error(`${name}: shows ${word} of this machine`);
  mkdirSync(FIXTURES, { recursive: true });
  writeFileSync(
    new URL(`${name}.json`, FIXTURES),
    `${JSON.stringify({ program: argv.join(" "), ...SIZE, output: raw.toString("base64") })}\n`,
  );
  process.stdout.write(`${name}: ${bytes} bytes\n${terminal.screenText().slice(0, 6).join("\n")}\n`);
}

const wanted = process.argv.slice(2);
for (const [name, program] of Object.entries(PROGRAMS)) {
  if (wanted.length === 0 || wanted.includes(name)) await record(name, program);
}
