/**
 * Keyboard protocols a program may switch on, which headless xterm ignores: kitty's progressive enhancement (a stack of flags per
 * screen) and xterm's modifyOtherKeys. Kept for encoding keys, for queries, and for the terminal of whoever attaches.
 */
import type { Engine } from "./engine-shapes.js";

/** kitty's flags. We encode keys by the first and the fourth; the others ask for events that a sent key does not have. */
export const DISAMBIGUATE = 1;
export const ALL_AS_ESCAPES = 8;
export const WITH_TEXT = 16;
const SUPPORTED: number = DISAMBIGUATE | ALL_AS_ESCAPES | WITH_TEXT;
const ALL_FLAGS = 31;

/** Pushes remembered per screen; the oldest goes, as kitty's protocol says a terminal should. */
const MOST_PUSHED = 16;

export interface KeyboardFlags {
  current: number;
  stack: number[];
}

export class Keyboard {
  readonly main: KeyboardFlags = { current: 0, stack: [] };
  readonly alternate: KeyboardFlags = { current: 0, stack: [] };
  /** 0 off, 1 or 2: xterm's resource of the same name. */
  modifyOtherKeys = 0;
  readonly #engine: Engine;

  constructor(engine: Engine, answer: (text: string) => void) {
    this.#engine = engine;
    const { core } = engine;
    core.registerCsiHandler({ prefix: ">", final: "u" }, ({ params }) => this.#push(params[0] ?? 0));
    core.registerCsiHandler({ prefix: "<", final: "u" }, ({ params }) => this.#pop(Math.max(1, params[0] ?? 1)));
    core.registerCsiHandler({ prefix: "=", final: "u" }, ({ params, length }) =>
      this.#set(params[0] ?? 0, length > 1 ? (params[1] ?? 1) : 1),
    );
    core.registerCsiHandler({ prefix: "?", final: "u" }, () => {
      answer(`\x1b[?${this.flags.current & SUPPORTED}u`);
      return true;
    });
    core.registerCsiHandler({ prefix: ">", final: "m" }, ({ params, length }) => {
      // CSI > m resets all such resources, CSI > 4 m this one.
      if (params[0] === 4 || params[0] === 0) this.modifyOtherKeys = length > 1 ? Math.min(2, params[1] ?? 0) : 0;
      return true;
    });
    core.registerCsiHandler({ prefix: "?", final: "m" }, ({ params }) => {
      if (params[0] === 4) answer(`\x1b[>4;${this.modifyOtherKeys}m`);
      return true;
    });
    core.registerEscHandler({ final: "c" }, () => {
      this.reset();
      return false;
    });
  }

  /** Of the screen that is shown. */
  get flags(): KeyboardFlags {
    const { buffers } = this.#engine.core._bufferService;
    return buffers.active === buffers.alt ? this.alternate : this.main;
  }

  reset(): void {
    for (const flags of [this.main, this.alternate]) {
      flags.current = 0;
      flags.stack.length = 0;
    }
    this.modifyOtherKeys = 0;
  }

  #push(flags: number): true {
    const { flags: screen } = this;
    screen.stack.push(screen.current);
    if (screen.stack.length > MOST_PUSHED) screen.stack.shift();
    screen.current = flags & ALL_FLAGS;
    return true;
  }

  #pop(count: number): true {
    const { flags: screen } = this;
    for (let i = 0; i < Math.min(count, MOST_PUSHED + 1); i++) screen.current = screen.stack.pop() ?? 0;
    return true;
  }

  #set(flags: number, how: number): true {
    const { flags: screen } = this;
    const given = flags & ALL_FLAGS;
    screen.current = how === 2 ? screen.current | given : how === 3 ? screen.current & ~given : given;
    return true;
  }
}
