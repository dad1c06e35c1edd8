// What agents are driven through: steps wait for something on the screen, note the state a person would then name, and type.
const enter = { send: "\r" };
const say = (text) => [{ type: text }, enter];

/** What the screens of each tool show, as of the versions in the recordings. */
const SHOWS = {
  claude: {
    ready: /❯/,
    busy: /^[⠀-⣿◐-◓] /u,
    asks: /Do you want to proceed\?/,
    writes: /Do you want to create/,
    trusts: /trust/,
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
    writes: /make the following edits/,
    trusts: /Do you trust|trust the contents/,
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
    writes: /Permission required/,
    trusts: /$^/,
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
    typing: {
      about: "somebody types, opens the menus for commands and files, and takes it all back",
      steps: [
        ...start,
        { type: "what would" },
        { wait: 600 },
        { send: "\x15" },
        { wait: 400 },
        { type: "/" },
        { wait: 1000 },
        { type: "mo" },
        { wait: 600 },
        { send: "\x7f\x7f\x7f" },
        { wait: 600 },
        { type: "@n" },
        { wait: 1000 },
        { send: "\x7f\x7f" },
        { wait: 400 },
        { send: "\x1b[200~Do you want to proceed?\n❯ 1. Yes\n  3. No\nEsc to cancel\x1b[201~" },
        { wait: 1500 },
      ],
    },
    write: {
      about: "the agent asks for leave to write a file",
      steps: [
        ...start,
        ...begin("please write the file"),
        { until: s.writes, state: "attention" },
        { wait: 2000 },
        { send: s.approve },
        { gone: s.writes },
        { until: s.busy, state: "busy" },
        ...ends,
      ],
    },
    trust: {
      about: "a directory that it does not know: may it work there?",
      home: { trusted: false },
      steps: [
        { state: "starting", why: "started" },
        { until: s.trusts, state: "attention" },
        { wait: 2500 },
        { when: /❯ No, exit/, send: "\x1b[B" },
        { wait: 500 },
        enter,
        { gone: s.trusts, state: "idle" },
        { quiet: 1500 },
        { wait: 2000 },
      ],
    },
    login: {
      about: "never set up before: how shall it log in?",
      home: { known: false, trusted: false },
      steps: [
        { state: "starting", why: "started" },
        { quiet: 3000, state: "attention", why: "it asks how it shall be set up" },
        { wait: 2500 },
      ],
    },
    question: {
      about: "the agent asks a question",
      home: { questions: true },
      steps: [
        ...start,
        ...begin("ask me something"),
        { until: /Which colour/, state: "attention" },
        { wait: 3000 },
        enter,
        { until: s.busy, state: "busy" },
        ...ends,
      ],
    },
  };
}

function planned(tool) {
  const s = SHOWS[tool];
  return {
    about: "in plan mode it proposes a plan, and asks for leave to go on",
    home: { mode: "plan" },
    steps: [
      { state: "starting", why: "started" },
      { until: s.ready, state: "idle" },
      { quiet: 1500 },
      { wait: 1000 },
      ...say("make a plan please"),
      { until: s.busy, state: "busy" },
      { until: /Would you like to proceed\?|Ready to code\?|Exit plan mode\?/, state: "attention" },
      { wait: 2500 },
      { send: "\x1b" },
      { gone: /Would you like to proceed\?|Ready to code\?|Exit plan mode\?/, state: "idle" },
      { wait: 3000 },
    ],
  };
}

// OpenCode asks nobody for trust, and calls home before it says anything of a log-in.
const { trust: _trust, login: _login, ...opencode } = turns("opencode");
// Claude Code wants its real servers before it asks how to log in; Codex has asked nobody for trust as it was run here.
const { login: _noLogin, ...claude } = turns("claude");
const { trust: _noTrust, ...codex } = turns("codex");
export const scenarios = { claude: { ...claude, plan: planned("claude") }, codex, opencode };
