/** Every method there is, by name. */
import type { Method } from "../method.js";
import { checkpointMethods } from "./checkpoint.js";
import { daemonMethods } from "./daemon.js";
import { eventMethods } from "./events.js";
import { forkMethods } from "./fork.js";
import { journalMethods } from "./journal.js";
import { reportMethods } from "./report.js";
import { promptMethods } from "./prompt.js";
import { sessionMethods } from "./session.js";
import { storeMethods } from "./store.js";
import { terminalMethods } from "./terminal.js";
import { thoughtMethods } from "./thought.js";
import { tmuxMethods } from "./tmux.js";
import { watchMethods } from "./watch.js";

const NOUNS: readonly (readonly Method[])[] = [
  daemonMethods,
  sessionMethods,
  reportMethods,
  terminalMethods,
  promptMethods,
  watchMethods,
  checkpointMethods,
  forkMethods,
  journalMethods,
  thoughtMethods,
  storeMethods,
  tmuxMethods,
  eventMethods,
];

export const METHODS: ReadonlyMap<string, Method> = new Map(NOUNS.flat().map((method) => [method.name, method]));
