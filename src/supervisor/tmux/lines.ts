import type { TmuxNews } from "../../actors/messages.js";
import type { SessionEntry } from "../entry.js";

/** What a session of tmux's has instead of a master (tmux/sessions). */
export interface TmuxLines {
  /** A new control client; its actor's end is the caller's to close. */
  open(entry: SessionEntry): Promise<number>;
  /** Resolves when that client is in, or will not come in soon. */
  welcomed(entry: SessionEntry): Promise<void>;
  news(entry: SessionEntry, news: TmuxNews): void;
}
