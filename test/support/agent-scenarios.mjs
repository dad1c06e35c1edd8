// What agents are driven through: steps wait for something on the screen, note the state a person would then name, and type.
const enter = { send: "\r" };
const say = (text) => [{ type: text }, enter];

/** What the screens of each tool show, as of the versions in the recordings. */
const SHOWS = {
  claude: {
    ready: /❯/,
    busy: /^[⠀-⣿◐-◓] /u,
    asks: /Do you want to proceed\?/,
    answered: /All done now\./,
    approve: "\r",
    refuse: "\x1b",
    stop: "\x1b",
    exit: [{ type: "/exit" }, enter],
  },
  codex: {
    ready: /^demo\n[\s\S]*gpt-5 default/,
    busy: /^[⠀-⣿] /u,
    asks: /Would you like to run/,
    answered: /All done now\./,
    approve: "\r",
    refuse: "\x1b",
    stop: "\x1b",
    exit: [{ type: "/quit" }, enter],
  },
  opencode: {
    ready: /Ask anything/,
    busy: /[■⬝]{6,}/u,
    asks: /Permission required/,
    answered: /All done now\./,
    approve: "\r",
    refuse: "\x1b",
    stop: "\x1b",
    exit: [{ type: "/exit" }, enter],
  },
};

function turns(tool) {
  const s = SHOWS[tool];
  const start = [{ state: "starting", why: "started" }, { until: s.ready, state: "idle" }, { quiet: 1500 }, { wait: 1000 }];
  const begin = (text) => [...say(text), { until: s.busy, state: "busy" }];
  const ends = [{ gone: s.busy, state: "idle" }, { wait: 3000 }];
  const asked = [{ until: s.asks, state: "attention" }, { wait: 2000 }];
  const full = [
    ...begin("please run the tool"),
    ...asked,
    { send: s.approve },
    { gone: s.asks },
    { until: s.busy, state: "busy" },
    ...ends,
  ];
  return {
    turn: {
      about: "start-up, idle, typing, streaming, a permission dialog approved, a tool that runs 3 s, answer, idle",
      steps: [...start, ...full],
    },
    refused: {
      about: "a permission dialog refused",
      steps: [
        ...start,
        ...begin("please run the tool"),
        ...asked,
        { send: s.refuse },
        { gone: s.asks },
        { gone: s.busy, state: "idle" },
        { wait: 3000 },
      ],
    },
    escape: {
      about: "Esc in mid-turn",
      steps: [
        ...start,
        ...begin("hello, a long answer"),
        { wait: 1500 },
        { send: s.stop },
        ...(tool === "opencode" ? [{ wait: 300 }, { send: s.stop }] : []),
        ...ends,
      ],
    },
    error: { about: "the API refuses the request", steps: [...start, ...begin("please fail"), ...ends] },
    "long-tool": { about: "a tool that runs long and says nothing", command: "sleep 12 && touch tool-ran", steps: [...start, ...full] },
    resize: {
      about: "resized while busy and while the dialog is open",
      steps: [
        ...start,
        ...begin("please run the tool"),
        { wait: 300 },
        { size: [70, 24] },
        ...asked,
        { size: [110, 36] },
        { wait: 1500 },
        { send: s.approve },
        { gone: s.asks },
        { until: s.busy, state: "busy" },
        { wait: 500 },
        { size: [60, 20] },
        ...ends,
      ],
    },
    narrow: { about: "a window of 40 columns", cols: 40, rows: 24, steps: [...start, ...full] },
    shell: {
      about: "started by hand in a shell, a turn, exit to the shell",
      inShell: true,
      steps: [
        { until: /[$#]$/m, state: "idle" },
        { wait: 800 },
        ...say(tool),
        { wait: 200, state: "starting", why: "started by hand" },
        { until: s.ready, state: "idle" },
        { quiet: 1500 },
        { wait: 500 },
        ...begin("hello there"),
        { until: s.answered },
        ...ends,
        ...s.exit,
        { until: /[$#]$/m, state: "idle", why: "the shell's prompt is back" },
        { wait: 3000 },
      ],
    },
    quote: {
      about: "the agent quotes dialogs and status lines",
      delayMs: 200,
      steps: [...start, ...begin("quote yourself"), { until: /That is all/ }, ...ends, { wait: 1000 }],
    },
    question: {
      about: "the agent asks a question",
      steps: [
        ...start,
        ...begin("ask me something"),
        { until: /Which colour|question/, state: "attention" },
        { quiet: 1500 },
        { wait: 1500 },
        enter,
        { wait: 500 },
        { quiet: 2500 },
        { state: "idle" },
        { wait: 1000 },
      ],
    },
  };
}

const { question: _, ...codex } = turns("codex"); // It has no tool to ask with in this mode.
export const scenarios = { claude: turns("claude"), codex, opencode: turns("opencode") };
