/** All the state of one terminal: xterm's, and what it does not keep. What snapshot, restore and the renderings work on. */
import type { TerminalSize } from "../../session.js";
import { Colours } from "./colours.js";
import type { Engine } from "./engine-shapes.js";
import { checkEngine, createEngine } from "./engine.js";
import { Feeder } from "./feeder.js";
import { Keyboard } from "./keyboard.js";
import { Links } from "./links.js";
import { answerQueries } from "./queries.js";

export interface TerminalState {
  readonly engine: Engine;
  readonly feeder: Feeder;
  readonly links: Links;
  readonly keyboard: Keyboard;
  readonly colours: Colours;
  readonly historyLines: number;
}

/** What the terminal says back; whoever makes the state decides what is passed on. */
export interface StateListener {
  answer(text: string): void;
  title(title: string): void;
  bell(): void;
  osc(code: number, data: string): void;
}

/** Sequences that are not the terminal's to interpret: cwd, shell marks, notifications and progress. */
const FORWARDED = [7, 9, 99, 133, 777];

/** As XTVERSION reports it. */
const IDENTITY = "lifeguard(0.1)";

let checked = false;

export function createState(size: TerminalSize, historyLines: number, listener: StateListener): TerminalState {
  if (!checked) checkEngine();
  checked = true;
  const engine = createEngine(size, historyLines);
  const answer = (text: string): void => listener.answer(text);
  answerQueries(engine, IDENTITY, answer);
  engine.terminal.onTitleChange((title) => listener.title(title));
  engine.terminal.onBell(() => listener.bell());
  for (const code of FORWARDED) {
    engine.core.registerOscHandler(code, (data) => {
      listener.osc(code, data);
      return true;
    });
  }
  return {
    engine,
    feeder: new Feeder(engine),
    links: new Links(engine),
    keyboard: new Keyboard(engine, answer),
    colours: new Colours(engine, answer),
    historyLines,
  };
}
