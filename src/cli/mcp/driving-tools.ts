/** Tools that start sessions, type into them, wait for them and end them. */
import { resolve } from "node:path";
import { z } from "zod";
import { LifeguardError } from "../../errors.js";
import type { SessionState } from "../../session.js";
import { callerEnvironment } from "../caller-environment.js";
import { reconnected } from "../connect.js";
import { exitWords } from "../session-table.js";
import type { Tool, ToolCall } from "./tool.js";
import { tool } from "./tool.js";
import { describeSession, exactSession, session, timeout, until, WAIT_MS } from "./words.js";

/** Where a turn of an agent ends: by itself, with a question, with a failure. */
const TURN_ENDS: readonly SessionState[] = ["idle", "attention", "error"];
/** A daemon that goes while we wait is expected back within this: an upgrade takes seconds. */
const DAEMON_BACK_MS = 30_000;

const startSession: Tool = tool({
  name: "start_session",
  title: "Start a session",
  description:
    "Starts a program in a terminal of its own that outlives you: a coding agent by its tool (claude, codex, opencode, …), or any command. Answers with its id. Give an agent its first task as prompt, then wait_for it.",
  input: z.strictObject({
    tool: z.string().describe("a coding agent's name; its command is started, args come after it").optional(),
    command: z.string().describe("the program, when it is no tool; the user's shell when both are left out").optional(),
    args: z.array(z.string()).describe("words after the command; no shell looks at them").optional(),
    prompt: z.string().describe("typed when the agent is ready for it").optional(),
    name: z.string().describe("a name of its own: letters, digits, '.', '_', '-'").optional(),
    cwd: z.string().describe("directory; this server's own when left out").optional(),
    env: z.record(z.string(), z.string()).describe("more variables for its environment").optional(),
    labels: z.record(z.string(), z.string()).optional(),
    cols: z.number().int().min(2).max(1000).describe("default 120").optional(),
    rows: z.number().int().min(1).max(500).describe("default 40").optional(),
  }),
  effect: "makes",
  async run({ cwd, env: additions, ...rest }, { client, env, signal }) {
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const made = await client.call(
      "session.create",
      { ...given, cwd: resolve(cwd ?? "."), env: callerEnvironment(env, additions), env_base: "none" },
      { signal },
    );
    return `started ${describeSession(made)}`;
  },
});

const sendPrompt: Tool = tool({
  name: "send_prompt",
  title: "Send a prompt",
  description:
    "Gives an agent (or a shell) a prompt and submits it, with proof. Answers submitted (there is evidence that it got in), typed (there is none) or queued. Into an open dialog nothing is typed: BLOCKED. While it works: BUSY, unless queue. With wait it answers when the agent's turn is over or asks something; then read_screen.",
  input: z.strictObject({
    id: session,
    text: z.string().min(1).describe("the prompt, as a person would type it; may have several lines"),
    queue: z.boolean().describe("when it is busy: keep the prompt and deliver it when it rests").optional(),
    lossy: z.boolean().describe("also where it cannot arrive as it is: CRLF, tabs in an agent that makes blanks of them").optional(),
    wait: z
      .boolean()
      .describe(`wait for its turn to end (${TURN_ENDS.join(", ")})`)
      .optional(),
    timeout_ms: timeout,
  }),
  effect: "makes",
  async run({ id, text, queue, lossy, wait, timeout_ms = WAIT_MS }, { client, signal }) {
    const answer = await client.call(
      "session.prompt",
      {
        id,
        text,
        ...(queue === undefined ? {} : { queue }),
        ...(lossy === undefined ? {} : { lossy }),
        ...(wait === true ? { wait: { until: [...TURN_ENDS], timeout_ms } } : {}),
      },
      { signal },
    );
    const reached = answer.state === undefined ? "" : `; now ${answer.state}`;
    return `${answer.delivery}: ${answer.evidence.detail} (confidence ${answer.evidence.confidence})${reached}`;
  },
});

const sendKeys: Tool = tool({
  name: "send_keys",
  title: "Press keys",
  description:
    "Presses keys in a session, to answer a dialog or steer a program: names as tmux has them (Enter, Escape, Up, Down, Tab, BSpace, C-c, M-x, F5), any other text is typed as it is. To give an agent a task use send_prompt, which makes sure that it got in. You cannot type into the session you run in.",
  input: z.strictObject({ id: session, keys: z.array(z.string().min(1)).min(1).max(1_000) }),
  effect: "makes",
  async run({ id, keys }, { client, signal }) {
    const { accepted } = await client.call("session.keys", { id, keys }, { signal });
    return `typed ${accepted} bytes`;
  },
});

const waitFor: Tool = tool({
  name: "wait_for",
  title: "Wait for sessions",
  description:
    "Waits until one of the sessions is in one of the states, and says which: idle (ready), attention (asks a person), error, exited. Use this instead of asking again and again. Fails with TIMEOUT when the time is over, with EXITED when one ends and exited is not among the states.",
  input: z.strictObject({
    ids: z.array(session).min(1).max(64).describe("the first of these that gets there ends the wait"),
    until: until.describe("at least one of starting, busy, idle, attention, error, exited"),
    timeout_ms: timeout,
  }),
  effect: "looks",
  async run({ ids, until: states, timeout_ms = WAIT_MS }, call) {
    const others = new AbortController();
    const signal = AbortSignal.any([call.signal, others.signal]);
    const deadline = performance.now() + timeout_ms;
    try {
      const reached = await Promise.race(ids.map(async (id) => await waitForOne(id, states, deadline, { ...call, signal })));
      return describeSession(await call.client.call("session.get", { id: reached }, { signal: call.signal }));
    } finally {
      others.abort(new LifeguardError("TIMEOUT", "another session got there first"));
    }
  },
});

/** @returns `id` once it is in one of the states; a daemon that is replaced meanwhile is waited for */
async function waitForOne(id: string, until: SessionState[], deadline: number, { client, signal }: ToolCall): Promise<string> {
  for (;;) {
    const left = Math.max(0, Math.round(deadline - performance.now()));
    try {
      await client.call("session.wait", { id, until, timeout_ms: left }, { signal });
      return id;
    } catch (error) {
      if (!(error instanceof LifeguardError) || error.name !== "UNAVAILABLE") throw error;
      if (!(await reconnected(client, Math.min(left, DAEMON_BACK_MS)))) throw error;
    }
  }
}

const restartSession: Tool = tool({
  name: "restart_session",
  title: "Restart a session",
  description: "Ends everything that runs in a session and starts its command again; an ended session is started again.",
  input: z.strictObject({ id: exactSession }),
  effect: "ends",
  async run({ id }, { client, signal }) {
    return `restarted ${describeSession(await client.call("session.restart", { id }, { signal }))}`;
  },
});

const killSession: Tool = tool({
  name: "kill_session",
  title: "End a session",
  description:
    "Ends a session with everything it started (hang-up, TERM, KILL) and answers when that is gone. Its output and exit stay readable. You cannot end the session you run in.",
  input: z.strictObject({
    id: exactSession,
    grace_ms: z.number().int().min(0).max(600_000).describe("how long each signal is given; default 5000").optional(),
  }),
  effect: "ends",
  async run({ id, grace_ms }, { client, signal }) {
    const { exit, processes } = await client.call("session.kill", { id, ...(grace_ms === undefined ? {} : { grace_ms }) }, { signal });
    return `ended ${id}: ${exit === null ? "no status" : exitWords(exit)}, ${processes} processes`;
  },
});

const removeSession: Tool = tool({
  name: "remove_session",
  title: "Forget a session",
  description: "Forgets a session that has ended, with its output and journal. A live one is BUSY: end it first.",
  input: z.strictObject({ id: exactSession }),
  effect: "ends",
  async run({ id }, { client, signal }) {
    await client.call("session.remove", { id }, { signal });
    return `forgot ${id}`;
  },
});

/** In the order in which they are used. */
export const DRIVING_TOOLS: readonly Tool[] = [startSession, sendPrompt, sendKeys, waitFor, restartSession, killSession, removeSession];
