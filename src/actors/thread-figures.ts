/** What one actor thread counts: output, how long it takes to be parsed, and how soon typing is answered. */
import { Histogram } from "../figures.js";
import type { HistogramReading } from "../figures.js";

export interface ThreadFiguresReading {
  outputBytes: number;
  chunks: number;
  /** From a chunk's reading to its bytes being in spool and terminal. */
  parse: HistogramReading;
  /** From input to the next output of the same session. */
  echo: HistogramReading;
}

/** What comes later than this after input is hardly its echo. */
const ECHO_MS = 2_000;

export class ThreadFigures {
  #outputBytes = 0;
  #chunks = 0;
  readonly #parse = new Histogram();
  readonly #echo = new Histogram();
  /** Sessions that were typed into and have said nothing since, and when. */
  readonly #typed = new Map<string, number>();

  typed(session: string): void {
    if (!this.#typed.has(session)) this.#typed.set(session, performance.now());
  }

  /** Runs what takes in a chunk of `bytes`, and notes what it took. */
  chunk(session: string, bytes: number, take: () => void): void {
    const began = performance.now();
    take();
    const ended = performance.now();
    this.#outputBytes += bytes;
    this.#chunks++;
    this.#parse.observe(ended - began);
    const typed = this.#typed.get(session);
    if (typed === undefined) return;
    this.#typed.delete(session);
    if (began - typed <= ECHO_MS) this.#echo.observe(began - typed);
  }

  ended(session: string): void {
    this.#typed.delete(session);
  }

  reading(): ThreadFiguresReading {
    return { outputBytes: this.#outputBytes, chunks: this.#chunks, parse: this.#parse.reading(), echo: this.#echo.reading() };
  }
}

export const NO_FIGURES: ThreadFiguresReading = new ThreadFigures().reading();

/** The figures of several threads, those that are gone included, as of one. */
export class FiguresSum {
  #outputBytes = 0;
  #chunks = 0;
  readonly #parse = new Histogram();
  readonly #echo = new Histogram();

  add(reading: ThreadFiguresReading): this {
    this.#outputBytes += reading.outputBytes;
    this.#chunks += reading.chunks;
    this.#parse.add(reading.parse);
    this.#echo.add(reading.echo);
    return this;
  }

  reading(): ThreadFiguresReading {
    return { outputBytes: this.#outputBytes, chunks: this.#chunks, parse: this.#parse.reading(), echo: this.#echo.reading() };
  }
}
