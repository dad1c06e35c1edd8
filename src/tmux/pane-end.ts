/**
 * The end of a tmux pane's program, as far as tmux knows it. A pane is dead as soon as nothing has its terminal open any more, which
 * is before its program has ended, or long before; the exit status follows when tmux has reaped the program. Pure.
 */

export interface PaneDeath {
  code: number | null;
  signal: number | null;
}

/**
 * Has tmux reap every child that has ended. One that ends while tmux takes its pane's utmp entry away goes unnoticed otherwise (tmux
 * 3.3a of Debian 12: every fifth), and its status unknown, until the next child ends.
 */
export const REAP = "run-shell :";

export class PaneEnd {
  #told = false;
  #unreaped = false;

  /** The end has been told: there is nothing to wait for. */
  get told(): boolean {
    return this.#told;
  }

  /** Dead, and tmux does not know how its program ended: before it is asked again it is to {@link REAP}. */
  get unreaped(): boolean {
    return this.#unreaped;
  }

  /**
   * What tmux says now.
   * @param gone the program had ended and was reaped already when tmux was asked: there is no more to come
   * @returns `tell` it once; `ask` once more, and at once; null: nothing new
   */
  learn(dead: PaneDeath | null, gone: boolean): "tell" | "ask" | null {
    if (dead === null) {
      this.#told = false;
      this.#unreaped = false;
      return null;
    }
    if (this.#told) return null;
    if (dead.code !== null || dead.signal !== null || gone) {
      this.#told = true;
      this.#unreaped = false;
      return "tell";
    }
    if (this.#unreaped) return null;
    this.#unreaped = true;
    return "ask";
  }
}
