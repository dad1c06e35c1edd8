/**
 * Screens that try to be taken for something else, through the terminal and the observer of live sessions: what is said is right, or
 * has confidence low. Never wrong and sure of it. They are made from the recordings of real agents, so that all that is not the trick
 * is as the tools draw it.
 */
import { afterAll, describe, expect, it } from "vitest";
import type { Recording } from "../../../src/actors/recording.js";
import { rehearse } from "../../../src/actors/rehearsal.js";
import { loadProfiles, SHIPPED_PROFILES } from "../../../src/profiles/load.js";
import type { SessionState } from "../../../src/session.js";
import { figure, FULL, sample, seeded } from "../../support/figures.js";
import { loadRecording, pictureAt, recordingFiles, spansOf, type Picture } from "../../support/recorded.js";

const { set: profiles } = loadProfiles([SHIPPED_PROFILES]);
const TOOLS = ["claude", "claude-2.1.329", "codex", "opencode"] as const;
/** Held and confirmed is everything by then. */
const SETTLED_MS = 2_500;
const tally = { right: 0, low: 0, wrong: 0 };

interface Heard {
  at: number;
  state: SessionState;
  confidence: string;
  rule: string;
  detail: string;
}

/** What `explain` says at these moments, and all states on the way. */
function hear(recording: Recording, at: number[]): { heard: Heard[]; states: SessionState[] } {
  const heard: Heard[] = [];
  const { states } = rehearse(recording, {
    profiles,
    tool: recording.shell ? null : recording.tool,
    looks: {
      at,
      see: (time, _screen, _title, { state, evidence }) =>
        heard.push({ at: time, state, confidence: evidence?.confidence ?? "", rule: evidence?.rule ?? "", detail: evidence?.detail ?? "" }),
    },
  });
  return { heard, states: states.map(({ state }) => state) };
}

function expectNotWrong(truth: readonly SessionState[], heard: Heard, what: string): void {
  if (truth.includes(heard.state)) tally.right++;
  else {
    tally[heard.confidence === "low" ? "low" : "wrong"]++;
    expect(heard, `${what} at ${heard.at}: it is ${truth.join(" or ")}`).toMatchObject({ confidence: "low" });
  }
}

/** A recording of still screens: each is drawn at its time, on a cleared screen. */
function drawn(like: Recording, pictures: [at: number, Picture][], end: number): Recording {
  const output = pictures.map(([at, { rows, title }]): [number, Uint8Array] => {
    const body = rows.map((row, y) => `\x1b[${y + 1};1H\x1b[2K${row}`).join("");
    return [at, Buffer.from(`\x1b[?2026h\x1b]0;${title}\x07${body}\x1b[?2026l`)];
  });
  return { ...like, output, end, inputs: [], resizes: [], foreground: [], timeline: [], shell: false };
}

/** Where what the tool draws itself begins: what is above is conversation. */
const CHROME: Record<string, Record<"idle" | "busy" | "attention", RegExp>> = {
  claude: { idle: /^─{10}/, busy: /^\S [\p{L}-]+…/u, attention: /^─{10}/ },
  codex: { idle: /^› /, busy: /^• Working|^› /, attention: /^ {2}Would you like/ },
  opencode: { idle: /^\s*┃/, busy: /^\s*┃/, attention: /△ Permission required/ },
};

function chromeOf(tool: string, state: "idle" | "busy" | "attention", { rows, title }: Picture): Picture {
  const begins = CHROME[tool]?.[state] ?? /^/;
  const matches = (y: number): boolean => begins.test(rows[y] ?? "");
  let from = rows.findLastIndex((_, y) => matches(y));
  // A box has two lines; a bar goes on.
  if (tool === "claude" && state === "idle") from = rows.findLastIndex((_, y) => y < from && matches(y));
  while (tool === "opencode" && /^\s*┃/.test(rows[from - 1] ?? "")) from--;
  expect(from, `${tool} ${state}`).toBeGreaterThan(0);
  return { rows: rows.slice(from), title };
}

/** The chrome at the bottom, as much of the text above as there is room for. */
function below(like: Recording, text: string[], chrome: Picture): Picture {
  const room = like.rows - chrome.rows.length - 1;
  const fitting = text.slice(-room);
  return { rows: [...Array.from({ length: room - fitting.length }, () => ""), ...fitting, "", ...chrome.rows], title: chrome.title };
}

const LOG = Array.from({ length: 40 }, (_, i) => `  ${i} error: Permission denied. Do you want to proceed? (y/n) esc to interrupt`);
const WIDE = [
  "● 你好，世界 👋🏽 ⠋⠙⠹ ─── │ ✳ ◐ 12:34:56 🇩🇪 ﷽ é̂",
  "  要继续吗？ ❯ 1. 是  2. 否 · Esc 取消 ■⬝⬝⬝⬝⬝⬝⬝",
  "  日本語のテキスト… 🤖 (3s · ↓ 5 tokens)",
];
/** What every tool asks and shows while it works, as it was on its screen: an agent quotes all of it. */
const QUOTED = TOOLS.flatMap((directory) => {
  const recording = loadRecording(`${directory}/turn.json`);
  const at = (state: SessionState): number => spansOf(recording).findLast((span) => span.state === state)?.from ?? 0;
  return [...pictureAt(recording, at("busy") + 1_000).rows, "", ...pictureAt(recording, at("attention") + 1_000).rows].filter(
    (row) => row !== "",
  );
});
const indented = (rows: string[]): string[] => rows.map((row) => `  ${row}`);
const CONVERSATIONS: Record<string, string[]> = {
  "that quotes every tool's dialogs and spinners": indented(QUOTED),
  "that quotes its own dialog last": ["● It asks like this:", ...indented(QUOTED.slice(-12)), "  and nothing else."],
  "full of errors and questions": LOG,
  "of CJK, emoji and braille": [...LOG, ...WIDE, ...WIDE],
};

describe.each(TOOLS)("%s", (directory) => {
  const tool = directory.split("-")[0] ?? "";
  const base = (name: string): { recording: Recording; idle: Picture; busy: Picture; attention: Picture } => {
    const recording = loadRecording(`${directory}/${name}.json`);
    const spans = spansOf(recording);
    const picture = (state: "idle" | "busy" | "attention", after: number): Picture => {
      const span = spans.findLast((one) => one.state === state);
      return chromeOf(tool, state, pictureAt(recording, (span?.from ?? 0) + after));
    };
    return { recording, idle: picture("idle", 2_000), busy: picture("busy", 1_000), attention: picture("attention", 1_500) };
  };

  describe.each(["turn", "narrow"])("%s", (name) => {
    const { recording, ...chrome } = base(name);
    const cut = (rows: string[]): string[] =>
      rows.map((row) => (/^[\x20-\x7e]*$/.test(row) ? row : [...row].slice(0, recording.cols / 2).join("")).slice(0, recording.cols - 1));

    it.each(Object.keys(CONVERSATIONS))("in a conversation %s", (about) => {
      const text = cut(CONVERSATIONS[about] ?? []);
      const up: [number, Picture] = [100, below(recording, [], chrome.idle)];
      for (const state of ["idle", "busy", "attention"] as const) {
        const made = drawn(recording, [up, [4_000, below(recording, text, chrome[state])]], 10_000);
        for (const one of hear(made, [4_000 + SETTLED_MS, 9_000]).heard) expectNotWrong([state], one, `${state}, ${about}`);
      }
    });

    it("with all of that scrolled away", () => {
      const up: [number, Picture] = [100, below(recording, [], chrome.idle)];
      const made = drawn(recording, [up, [4_500, below(recording, ["● Done."], chrome.idle)]], 9_000);
      made.output.splice(1, 0, [4_000, Buffer.from([...LOG, ...indented(QUOTED), ...LOG].join("\r\n"))]);
      for (const one of hear(made, [4_500 + SETTLED_MS, 8_900]).heard) expectNotWrong(["idle"], one, "scrolled away");
    });

    it("with a clock in its status line", () => {
      for (const state of ["idle", "busy", "attention"] as const) {
        const picture = below(recording, cut(LOG), chrome[state]);
        const frames = Array.from({ length: 60 }, (_, second): [number, Picture] => {
          const rows = [...picture.rows];
          const last = rows.findLastIndex((row) => row !== "");
          rows[last] = `${rows[last]?.slice(0, recording.cols - 12)} 12:34:${String(second).padStart(2, "0")}`;
          return [4_000 + second * 1_000, { rows, title: picture.title }];
        });
        const made = drawn(recording, [[100, below(recording, [], chrome.idle)], ...frames], 65_000);
        const { heard, states } = hear(made, frames.map(([at]) => at + 900).slice(3));
        for (const one of heard) expectNotWrong([state], one, `${state} with a clock`);
        // One change at most: a clock is no news.
        expect(states.slice(1).length, states.join()).toBeLessThanOrEqual(2);
      }
    });
  });
});

/** Every glyph and word by which the tools say that they work, changed into another of the same width. */
function changed(recording: Recording): Recording {
  const output = recording.output.map(([at, bytes]): [number, Uint8Array] => {
    const text = Buffer.from(bytes)
      .toString("latin1")
      .replaceAll(/(\x1b\][02];)\xe2[\xa0-\xa3\x97][\x80-\xbf] /g, "$1\xe2\x9c\xba ")
      .replaceAll(/\xe2\x9c[\xb3-\xbd]/g, "\xe2\x9c\xba")
      .replaceAll(/\xe2\x96\xa0|\xe2\xac\x9d/g, "\xe2\x96\x9a")
      .replaceAll("esc to interrupt", "^X stops it now.")
      .replaceAll("interrupt", "^X stops.");
    return [at, Buffer.from(text, "latin1")];
  });
  return { ...recording, output };
}

describe("a tool that changes its spinner", () => {
  it.each(recordingFiles)("%s", (file) => {
    const recording = changed(loadRecording(file));
    const spans = spansOf(recording).filter(({ state, from, to }) => state !== "starting" && to - from > SETTLED_MS);
    for (const { state, from, to } of spans) {
      const at = Array.from({ length: 8 }, (_, i) => Math.round(from + SETTLED_MS + ((to - from - SETTLED_MS) * i) / 8)).filter(
        (one) => one < to,
      );
      for (const one of hear(recording, at).heard) expectNotWrong([state], one, `${file}, another spinner`);
    }
  });
});

describe("a frame that ends in the middle", () => {
  const random = seeded("where frames are cut", 4);
  const cuts = sample("cuts around each change of state", 12, 2);
  it.each(recordingFiles)("%s", (file) => {
    const recording = loadRecording(file);
    for (const [mark] of recording.timeline.slice(1)) {
      const near = recording.output.flatMap(([at, bytes], index) => (Math.abs(at - mark) < 150 && bytes.length > 1 ? [index] : []));
      for (let cut = 0; cut < cuts && near.length > 0; cut++) {
        const index = near[Math.floor(random() * near.length)] ?? 0;
        const [at, bytes] = recording.output[index] ?? [0, new Uint8Array()];
        const kept = 1 + Math.floor(random() * (bytes.length - 1));
        const end = at + 8_000;
        const torn: Recording = {
          ...recording,
          output: [...recording.output.slice(0, index), [at, bytes.slice(0, kept)]],
          foreground: recording.foreground.filter(([time]) => time <= at),
          resizes: recording.resizes.filter(([time]) => time <= at),
          inputs: recording.inputs.filter((time) => time <= at),
          end,
        };
        // Half of one screen and half of the next: either is right.
        const truth = spansOf(recording).flatMap(({ state, from, to }) => (from - 300 <= at && at <= to + 300 ? [state] : []));
        // So is what shows for a moment in between: the prompt before the dialog it starts with, the spinner after a refusal.
        if (truth.includes("attention")) truth.push(truth.includes("starting") ? "idle" : "busy");
        for (const one of hear(torn, [end - 100]).heard)
          expectNotWrong(truth, one, `${file}, read ${index} cut at ${kept} of ${bytes.length}`);
      }
    }
  });
});

describe("a window made narrow under it, that the tool has not drawn again", () => {
  it.each(recordingFiles.filter((file) => !/narrow|resize/.test(file)))("%s", (file) => {
    const recording = loadRecording(file);
    for (const { state, from, to } of spansOf(recording)) {
      if (state === "starting" || to - from < SETTLED_MS) continue;
      const at = Math.round(to - 100);
      const squeezed: Recording = {
        ...recording,
        output: recording.output.filter(([time]) => time < at),
        inputs: recording.inputs.filter((time) => time < at),
        foreground: recording.foreground.filter(([time]) => time < at),
        resizes: [[at, 40, 24]],
        end: at + 5_000,
      };
      for (const one of hear(squeezed, [at + 4_900]).heard) expectNotWrong([state], one, `${file}, ${state}`);
    }
  });
});

describe("a shell", () => {
  const shell = (rows: string[], last: string): Recording => ({
    ...drawn(loadRecording("claude/shell.json"), [], 10_000),
    tool: null,
    shell: true,
    output: [
      [10, Buffer.from("$ ")],
      [2_000, Buffer.from(`make\r\n${rows.join("\r\n")}\r\n${last}`)],
    ],
    foreground: [[0, true, "bash"]],
  });

  it.each(Object.keys(CONVERSATIONS))("that has printed a conversation %s", (about) => {
    for (const one of hear(shell(CONVERSATIONS[about] ?? [], "$ "), [6_000, 9_900]).heard) expectNotWrong(["idle"], one, about);
  });
});

afterAll(() => {
  figure(
    "adversarial screens",
    `${tally.right + tally.low + tally.wrong}: ${tally.right} right, ${tally.low} with confidence low, ${tally.wrong} wrong and sure`,
  );
  expect(tally.right).toBeGreaterThan(tally.low);
  if (FULL) expect(tally.right + tally.low).toBeGreaterThan(1_000);
});
