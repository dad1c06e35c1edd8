/** Sessions for a thought engine under test, with the store's own admission and no daemon. */
import { merge, passes } from "../../src/persistence/thought-admission.js";
import type { StoredThought } from "../../src/persistence/record-shapes.js";
import type { SessionView, World } from "../../src/thoughts/world.js";

export class ThoughtWorldInMemory implements World {
  readonly views = new Map<string, SessionView>();
  readonly texts = new Map<string, string>();
  readonly thoughts = new Map<string, StoredThought>();
  /** Publications that were taken, in their order. */
  readonly taken: { id: string; text: string }[] = [];

  add(view: SessionView, text: string): void {
    this.views.set(view.id, view);
    this.texts.set(view.id, text);
  }

  /** New output. */
  print(id: string, text: string): void {
    const view = this.views.get(id);
    if (view === undefined) throw new Error(`no session ${id}`);
    this.views.set(id, { ...view, offset: view.offset + text.length });
    this.texts.set(id, text);
  }

  sessions(): SessionView[] {
    return [...this.views.values()];
  }
  session(id: string): SessionView | null {
    return this.views.get(id) ?? null;
  }
  thought(id: string): StoredThought | null {
    return this.thoughts.get(id) ?? null;
  }
  tail(id: string, chars: number): Promise<string> {
    return Promise.resolve((this.texts.get(id) ?? "").slice(-chars));
  }
  publish(id: string, update: Parameters<World["publish"]>[1]): { accepted: boolean; reason?: string } {
    if (!this.views.has(id)) throw new Error(`no session ${id}`);
    const old = this.thought(id);
    const reason = passes(old?.watermark ?? null, update);
    if (reason !== null) return { accepted: false, reason };
    const thought = merge(old, update, Date.now());
    this.thoughts.set(id, thought);
    this.taken.push({ id, text: thought.text });
    return { accepted: true };
  }
  follow(): () => void {
    return () => {};
  }
}
