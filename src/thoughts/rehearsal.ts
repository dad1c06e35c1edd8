/** An engine tried once, over a session that does not exist: what `thought.config.test` answers. */
import type { Clock } from "../clock.js";
import type { ThoughtSettings, ThoughtTest } from "../thought-engine.js";
import { messageOf } from "../errors.js";
import { startChild } from "./command-engine.js";
import { RESTS, think } from "./rules.js";
import { readUpdate, sessionPart, syncRequest } from "./wire.js";
import type { SessionView } from "./world.js";

const TAIL = "● Bash(npm test)\n  ⎿  Running…\n✻ Working… (12s · esc to interrupt)";
const SHOWN = 16;

function madeUp(now: number): SessionView {
  return {
    id: "sess_1",
    name: "example",
    tool: "claude",
    state: "busy",
    stateSince: now - 12_000,
    rest: "active",
    title: "✳ Fix the parser",
    cwd: "/home/ada/shop",
    command: null,
    offset: 4_096,
    tokenCount: null,
    contextLimit: 200_000,
    live: true,
  };
}

/** Never rejects: what goes wrong is the answer. */
export async function rehearse(
  settings: ThoughtSettings,
  clock: Clock,
  env: () => Record<string, string>,
  signal: AbortSignal,
): Promise<ThoughtTest> {
  const { engine } = settings;
  const began = clock.monotonic();
  const answer: ThoughtTest = { ok: true, engine, ms: 0, name: null, updates: [], ignored: 0, error: null, stderr: "" };
  const view = madeUp(clock.now());
  if (engine === "rules") {
    const thought = think(view, TAIL);
    if (thought !== null && thought !== RESTS)
      answer.updates.push({ session: view.id, text: thought.text, state: thought.state ?? null, source: thought.source ?? "rule" });
  }
  if (engine === "command") await tryCommand(settings, view, clock.now(), env(), signal, answer);
  answer.ms = Math.round(clock.monotonic() - began);
  return answer;
}

async function tryCommand(
  { command, exchange_ms }: ThoughtSettings,
  view: SessionView,
  now: number,
  env: Record<string, string>,
  signal: AbortSignal,
  answer: ThoughtTest,
): Promise<void> {
  let child: ReturnType<typeof startChild> | null = null;
  const end = (): void => void child?.end();
  signal.addEventListener("abort", end);
  try {
    child = startChild(command, env);
    if (signal.aborted) end();
    answer.name = (await child.hello(exchange_ms)).name || null;
    const { updates } = await child.exchange(syncRequest("1", now, [sessionPart(view, null, TAIL)]), "1", exchange_ms);
    for (const raw of updates.slice(0, SHOWN)) {
      const update = readUpdate(raw);
      if (update === null) answer.ignored += 1;
      else
        answer.updates.push({
          session: update.session.slice(0, 80),
          text: update.text,
          state: update.rest.state ?? null,
          source: update.rest.source ?? "llm",
        });
    }
    answer.ignored += Math.max(0, updates.length - SHOWN);
  } catch (error) {
    answer.ok = false;
    answer.error = messageOf(error);
  } finally {
    signal.removeEventListener("abort", end);
    await child?.end();
    answer.stderr = child?.stderr ?? "";
  }
}
