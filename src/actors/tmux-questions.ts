/** What has been asked of tmux on one control client and is not answered yet: answers come in the order of the questions. */

/** A line of commands, and what is to be done with its answers. */
export interface TmuxQuestion {
  /** How many answers it brings; not counted with `until`. */
  answers: number;
  /** All answers up to the one that says just this. */
  until: string | null;
  /** Null: it failed, or nothing is answered any more. */
  done(got: Buffer[][] | null): void;
}

export class TmuxQuestions {
  readonly #open: { question: TmuxQuestion; got: Buffer[][] }[] = [];

  asked(question: TmuxQuestion): void {
    this.#open.push({ question, got: [] });
  }

  answer(ok: boolean, lines: readonly Buffer[]): void {
    const first = this.#open[0];
    if (first === undefined) return;
    const { question, got } = first;
    if (question.until !== null) {
      if (lines.length !== 1 || lines[0]?.toString("latin1") !== question.until) {
        got.push([...lines]);
        return;
      }
      this.#open.shift();
      question.done(got);
      return;
    }
    if (ok) got.push([...lines]);
    if (ok && got.length < question.answers) return;
    this.#open.shift();
    // tmux drops the rest of a line after an error in it.
    question.done(ok ? got : null);
  }

  /** The client has gone. */
  cut(): void {
    for (const { question } of this.#open.splice(0)) question.done(null);
  }
}
