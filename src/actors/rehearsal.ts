/**
 * Replays a recording through the very terminal and observer that watch live sessions, in virtual time: the states that would have
 * been said, and when. A minute takes some ten milliseconds.
 */
import type { Explanation } from "../explanation.js";
import type { ProfileSet } from "../profiles/profile.js";
import type { Evidence, SessionState } from "../session.js";
import type { ActorEvent, ActorStart } from "./messages.js";
import { Observer } from "./observer.js";
import type { Recording } from "./recording.js";
import { Terminal } from "./terminal/terminal.js";
import { VirtualTime } from "./time.js";

/** How the recorded bytes are cut: as they were read, byte by byte, or as much at once as a busy machine would read. */
export type Cut = "recorded" | "bytes" | "blocks";

export interface RehearsalOptions {
  profiles: ProfileSet;
  /** The tool the session is made for; null: recognised by its program. */
  tool: string | null;
  cut?: Cut;
  idleHoldMs?: number;
  /** Called at these moments of the recording, with the screen as it is and why its state is what it is. */
  looks?: { at: number[]; see(at: number, screen: string[], title: string, explanation: Explanation): void };
}

export interface Said {
  /** Milliseconds from the start of the recording. */
  at: number;
  state: SessionState;
  evidence: Evidence;
}

export interface Rehearsal {
  /** Changes of state only, `starting` at 0 first. */
  states: Said[];
  tools: { at: number; tool: string | null }[];
  title: string;
  /** Milliseconds of processor time that watching took, parsing left out. */
  watchingMs: number;
}

const BEGAN = 1_700_000_000_000;
const BLOCK_BYTES = 65_536;
const BLOCK_MS = 100;
const LEADER = 100;

export function rehearse(recording: Recording, options: RehearsalOptions): Rehearsal {
  const time = new VirtualTime(BEGAN);
  const states: Said[] = [];
  const tools: Rehearsal["tools"] = [];
  let watchingMs = 0;
  const timed = (run: () => void): void => {
    const from = performance.now();
    run();
    watchingMs += performance.now() - from;
  };
  const terminal = new Terminal(
    { cols: recording.cols, rows: recording.rows },
    { historyLines: 1_000 },
    {
      reply: () => undefined,
      title: (title) => observer.title(title),
      bell: () => observer.bell(),
      osc: (code, data) => observer.osc(code, data),
    },
  );
  const post = (event: ActorEvent): void => {
    const at = time.now() - BEGAN;
    if (event.type === "tool") tools.push({ at, tool: event.tool });
    if (event.type === "state" && event.state !== states.at(-1)?.state) states.push({ at, state: event.state, evidence: event.evidence });
  };
  const observer = new Observer(
    startOf(recording, options),
    0,
    {
      post,
      processes: processesOf(recording, options, () => time.now() - BEGAN),
      enter: () => undefined,
      screen: () => ({ atHand: terminal, alternate: terminal.alternate, linesWait: false, flooding: false }),
      heldUp: () => false,
      broken: (detail) => {
        throw new Error(detail);
      },
    },
    time,
  );
  timed(() => observer.begin());
  for (const step of steps(recording, options.cut ?? "recorded", options.looks?.at ?? [])) {
    timed(() => time.moveTo(BEGAN + step.at));
    if (step.kind === "output") {
      terminal.feed(step.bytes);
      timed(() => observer.output(time.now()));
    } else if (step.kind === "resize") terminal.resize(step.size);
    else if (step.kind === "input") observer.input();
    else options.looks?.see(step.at, terminal.screenText(), terminal.title, observer.explain());
  }
  timed(() => time.moveTo(BEGAN + recording.end));
  observer.stop();
  const { title } = terminal;
  terminal.dispose();
  return { states, tools, title, watchingMs };
}

type Step = { at: number } & (
  | { kind: "output"; bytes: Uint8Array }
  | { kind: "resize"; size: { cols: number; rows: number } }
  | { kind: "input" }
  | { kind: "look" }
);

function steps(recording: Recording, cut: Cut, looks: readonly number[]): Step[] {
  const all: Step[] = [
    ...recording.resizes.map(([at, cols, rows]): Step => ({ at, kind: "resize", size: { cols, rows } })),
    ...recording.inputs.map((at): Step => ({ at, kind: "input" })),
    ...outputSteps(recording, cut),
    ...looks.map((at): Step => ({ at, kind: "look" })),
  ];
  return all.sort((a, b) => a.at - b.at);
}

function outputSteps({ output, resizes }: Recording, cut: Cut): Step[] {
  const step = (at: number, bytes: Uint8Array): Step => ({ at, kind: "output", bytes });
  if (cut === "recorded") return output.map(([at, bytes]) => step(at, bytes));
  if (cut === "bytes") return output.flatMap(([at, bytes]) => Array.from(bytes, (byte) => step(at, Uint8Array.of(byte))));
  const joined: Step[] = [];
  let open: { from: number; at: number; parts: Uint8Array[]; length: number } | null = null;
  const close = (): void => {
    if (open !== null) joined.push(step(open.at, Buffer.concat(open.parts)));
    open = null;
  };
  for (const [at, bytes] of output) {
    const block: { from: number; at: number; parts: Uint8Array[]; length: number } | null = open;
    // What was drawn for one size must not be read at another.
    const resized = block !== null && resizes.some(([time]) => time > block.from && time <= at);
    if (block !== null && !resized && at - block.from <= BLOCK_MS && block.length + bytes.length <= BLOCK_BYTES) {
      block.parts.push(bytes);
      block.length += bytes.length;
      block.at = at;
    } else {
      close();
      open = { from: at, at, parts: [bytes], length: bytes.length };
    }
  }
  close();
  return joined;
}

function processesOf(
  recording: Recording,
  options: RehearsalOptions,
  now: () => number,
): ConstructorParameters<typeof Observer>[2]["processes"] {
  return {
    foreground: () => {
      const front = recording.foreground.findLast(([at]) => at <= now()) ?? recording.foreground[0];
      if (front === undefined) return { group: LEADER, isLeader: true, command: options.tool ?? recording.tool };
      const [at, isLeader, command] = front;
      return { group: isLeader ? LEADER : LEADER + 1 + recording.foreground.findIndex((entry) => entry[0] === at), isLeader, command };
    },
    leaderIsShell: () => recording.shell,
    cwd: () => null,
  };
}

function startOf(recording: Recording, options: RehearsalOptions): ActorStart {
  return {
    id: "sess_1",
    epoch: 1,
    master: -1,
    directory: "",
    slot: 0,
    size: { cols: recording.cols, rows: recording.rows },
    tmux: null,
    pid: LEADER,
    fresh: true,
    continues: "worker",
    terminal: true,
    tool: options.tool,
    profiles: options.profiles,
    settings: {
      historyLines: 1_000,
      spoolBytes: 0,
      spoolBusyBytes: 0,
      inputQueueBytes: 0,
      parkAfterMs: 2_000,
      idleHoldMs: options.idleHoldMs ?? 1_500,
      errorLingerMs: 4_000,
      attentionAfterMs: 300_000,
      promptConfirmMs: 3_000,
    },
  };
}
