/**
 * `lifeguard hook TOOL`, as the agents run it at every event: one payload in, one session.report out, and nothing an agent could notice.
 * Whatever goes wrong, the exit code is 0, stdout and stderr stay empty (what some hooks print becomes context of the model), and it is
 * over soon. bin/lifeguard loads this file alone: the command line and the client would cost more than the work does.
 */
import { connect } from "node:net";
import { rolloutOf } from "./codex-thread.js";
import { HOOK_TOOLS, reportOf } from "./payload.js";
import type { Delivery, HookTool } from "./payload.js";

/** Of a payload. What comes after is read, so that the agent's pipe does not break, and not kept. */
const MOST_BYTES = 1 << 20;
/** An agent that leaves the pipe open has said all it has to say when nothing has come for so long after its first word. */
const SILENCE_MS = 200;
/** In all: on a busy machine the first word may be late. */
const READING_MS = 1_000;
/** To connect, to send, and to be heard: the daemon looks at who asks, so the process must live until then. */
const SENDING_MS = 500;

/** @param words after `hook`: the tool, then what the agent adds */
export async function reportHook(words: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const at = Math.round(performance.timeOrigin);
  const tool = HOOK_TOOLS.find((known) => known === words[0]);
  if (tool === undefined) return;
  const { earlier, argument } = split(tool, words.slice(1));
  if (earlier !== null && argument !== undefined) await runThen([...earlier, argument]);
  const session = env["LIFEGUARD_SESSION"] ?? "";
  const socket = env["LIFEGUARD_SOCKET"] ?? "";
  if (session === "" || socket === "") {
    // Unread, a long payload would break the agent's pipe.
    if (argument === undefined) await readStdin();
    return;
  }
  const delivery: Delivery = argument === undefined ? "stdin" : "argument";
  const report = reportOf(tool, delivery, argument?.slice(0, MOST_BYTES) ?? (await readStdin()), at);
  if (report === null) return;
  if (delivery === "argument" && report.conversation_id !== undefined) {
    const rollout = await rolloutOf(report.conversation_id, env);
    if (rollout === null) return;
    if (rollout === undefined) delete report.conversation_id;
    else report.transcript = rollout;
  }
  await send(socket, { id: 1, method: "session.report", params: { id: session, ...report } });
}

/** `hook codex [--then COMMAND ARG…] PAYLOAD`: what `--then` names was the user's `notify` before ours, and still runs. */
function split(tool: HookTool, words: readonly string[]): { earlier: string[] | null; argument: string | undefined } {
  if (tool !== "codex") return { earlier: null, argument: undefined };
  if (words[0] === "--then") return { earlier: words.slice(1, -1), argument: words.length > 1 ? words.at(-1) : undefined };
  return { earlier: null, argument: words.at(-1) };
}

async function runThen([command = "", ...args]: readonly string[]): Promise<void> {
  if (args.length === 0) return;
  const { spawn } = await import("node:child_process");
  // Codex gives it no stdin and hears nothing of it; nor do we wait.
  const child = spawn(command, args, { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}

function readStdin(): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY) return Promise.resolve("");
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(silence);
      clearTimeout(reading);
      stdin.destroy();
      resolve(Buffer.concat(chunks).subarray(0, MOST_BYTES).toString("utf8"));
    };
    let silence: NodeJS.Timeout | undefined;
    const reading = setTimeout(done, READING_MS);
    stdin.on("data", (chunk: Buffer) => {
      silence ??= setTimeout(done, SILENCE_MS);
      silence.refresh();
      if (bytes < MOST_BYTES) chunks.push(chunk);
      bytes += chunk.length;
    });
    stdin.once("end", done).once("error", done);
  });
}

function send(path: string, request: unknown): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve();
    };
    const deadline = setTimeout(done, SENDING_MS);
    socket.once("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    // The answer itself does not matter: it says that the report has been dealt with.
    socket.once("data", done).once("error", done).once("close", done);
  });
}
