/** The sessions as thought engines see them, and the way their thoughts take: the same as `thought.publish`. */
import type { Clock } from "../clock.js";
import type { Store } from "../persistence/store.js";
import type { Known, SessionView, Update, World } from "../thoughts/world.js";
import type { SessionEntry } from "./entry.js";
import type { EventLog } from "./events.js";
import type { Hosting } from "./hosting.js";
import type { SessionTable } from "./table.js";

export interface ThoughtWorldParts {
  table: SessionTable;
  hosting: Hosting;
  events: EventLog;
  clock: Clock;
  store: Pick<Store, "thoughts">;
  publish: (id: string, update: Update) => { accepted: boolean; reason?: string };
}

/** A thread that does not answer is not waited for. */
const TAIL_MS = 2_000;
const STATE_KINDS: ReadonlySet<string> = new Set(["session.state", "session.tool", "session.exited"]);

export class ThoughtWorld implements World {
  readonly #p: ThoughtWorldParts;

  constructor(parts: ThoughtWorldParts) {
    this.#p = parts;
  }

  sessions(): SessionView[] {
    const now = this.#p.clock.now();
    const views: SessionView[] = [];
    for (const entry of this.#p.table.entries()) if (entry.live) views.push(viewOf(entry, now));
    return views;
  }

  session(id: string): SessionView | null {
    const entry = this.#p.table.find(id);
    return entry === null ? null : viewOf(entry, this.#p.clock.now());
  }

  thought(id: string): Known | null {
    return this.#p.store.thoughts.get(id);
  }

  async tail(id: string, chars: number): Promise<string> {
    const { table, hosting } = this.#p;
    const entry = table.find(id);
    if (entry === null || entry.actor === null || entry.unresponsive) return "";
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => (timer = setTimeout(() => resolve(""), TAIL_MS)));
    try {
      return await Promise.race([hosting.ask(entry, "tail", chars).catch(() => ""), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  publish(id: string, update: Update): { accepted: boolean; reason?: string } {
    return this.#p.publish(id, update);
  }

  follow(listener: (kind: "state" | "title", id: string) => void): () => void {
    const subscription = this.#p.events.subscribe(null, { kinds: [...STATE_KINDS, "session.title"] }, ({ kind, session }) => {
      if (session !== undefined) listener(STATE_KINDS.has(kind) ? "state" : "title", session);
    });
    return subscription.end;
  }
}

function viewOf(entry: SessionEntry, now: number): SessionView {
  return {
    id: entry.id,
    name: entry.spec.name,
    tool: entry.tool,
    state: entry.state,
    stateSince: entry.stateSince,
    rest: entry.rest(now),
    title: entry.title,
    cwd: entry.cwd,
    command: entry.currentCommand,
    offset: entry.offset,
    tokenCount: entry.tokenCount,
    contextLimit: entry.contextLimit,
    live: entry.live,
  };
}
