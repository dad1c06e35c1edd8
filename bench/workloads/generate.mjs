/**
 * What panes print, made from a seed: the same bytes in every run. Lines end in LF; the terminal makes CR LF of it, as for any program.
 *
 *   prose        words in lines of at most 100 columns, plain ASCII
 *   logs         time, level in colour, component, message with values in colour
 *   compiler     diagnostics as a C compiler prints them: bold, colours, carets, unicode quotes
 *   redraws      an agent's full screen: synchronised updates, cursor movement, a spinner, a box, a title
 *   wide         Chinese, Japanese, Korean, emoji with modifiers and joiners, accents
 *   drips        prose again, written one byte at a time (drips.mjs writes it)
 */
export const WORKLOADS = ["prose", "logs", "compiler", "redraws", "wide", "drips"];

/** mulberry32: numbers in [0, 1). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const WORDS =
  "the session daemon keeps a terminal alive while an agent works and people look away for hours then come back to read what happened since every byte of output has its place and none is lost when a process ends or a machine is slow".split(
    " ",
  );
const WIDE = "端末会话保存所有输出日本語の文字列한국어텍스트每一个字节都有它的位置そして失われません".match(/./gu);
const EMOJI = ["🚀", "✅", "👩‍💻", "🇪🇺", "👍🏽", "⚠️", "🧪", "é", "ñ", "ü"];
const CSI = "\x1b[";

/** @returns a generator of pieces of about a kilobyte, without end */
export function* pieces(workload, seed = 1) {
  const next = random(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const words = (columns) => {
    let line = pick(WORDS);
    for (let word = pick(WORDS); line.length + 1 + word.length <= columns; word = pick(WORDS)) line += ` ${word}`;
    return line;
  };
  const maker = MAKERS[workload];
  if (maker === undefined) throw new Error(`there is no workload ${workload}: there are ${WORKLOADS.join(", ")}`);
  for (let n = 0; ; n++) yield maker({ next, pick, words, n });
}

const MAKERS = {
  prose: ({ next, words }) => repeat(12, () => `${words(40 + Math.floor(next() * 60))}\n`),
  drips: (tools) => MAKERS.prose(tools),
  logs: ({ next, pick, words, n }) =>
    repeat(10, (i) => {
      const [colour, level] = pick([
        [32, "INFO "],
        [36, "DEBUG"],
        [33, "WARN "],
        [31, "ERROR"],
      ]);
      const at = `12:${String(n % 60).padStart(2, "0")}:${String(i).padStart(2, "0")}.${String(Math.floor(next() * 1000)).padStart(3, "0")}`;
      return `${CSI}2m${at}${CSI}0m ${CSI}${colour}m${level}${CSI}0m ${CSI}1m${pick(WORDS)}${CSI}22m: ${words(30)} ${CSI}38;5;${Math.floor(next() * 256)}m${pick(WORDS)}=${Math.floor(next() * 1e6)}${CSI}0m\n`;
    }),
  compiler: ({ next, pick, words }) =>
    repeat(4, () => {
      const name = pick(WORDS);
      const column = 4 + Math.floor(next() * 30);
      return (
        `${CSI}01m${CSI}Ksrc/${name}.c:${Math.floor(next() * 900)}:${column}:${CSI}m${CSI}K ${CSI}01;31m${CSI}Kerror: ${CSI}m${CSI}K` +
        `${words(24)} ‘${CSI}01m${CSI}K${pick(WORDS)}${CSI}m${CSI}K’\n  ${Math.floor(next() * 900)} |     ${words(40)}\n      | ${" ".repeat(column)}${CSI}01;31m${CSI}K^~~~~~${CSI}m${CSI}K\n`
      );
    }),
  redraws: ({ pick, words, n }) => {
    const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[n % 10];
    const rows = repeat(8, (i) => `${CSI}${3 + i};1H${CSI}2K${i === n % 8 ? `${CSI}1m● ${CSI}0m` : "  "}${words(80)}`);
    return (
      `${CSI}?2026h${CSI}?25l\x1b]0;${spinner} agent\x07${CSI}H${CSI}38;5;208m${spinner} ${pick(WORDS)}… (${n % 100}s · esc to interrupt)${CSI}0m${CSI}K${rows}` +
      `${CSI}36;1H╭${"─".repeat(100)}╮${CSI}37;1H│ > ${CSI}K${CSI}38;1H╰${"─".repeat(100)}╯${CSI}?25h${CSI}?2026l`
    );
  },
  wide: ({ next, pick }) =>
    repeat(8, () => {
      let line = "";
      for (let i = 0; i < 30; i++) line += next() < 0.1 ? pick(EMOJI) : pick(WIDE);
      return `${line}\n`;
    }),
};

function repeat(count, make) {
  let text = "";
  for (let i = 0; i < count; i++) text += make(i);
  return text;
}
