/** Every method there is, by name. */
import type { Method } from "../method.js";
import { daemonMethods } from "./daemon.js";
import { eventMethods } from "./events.js";
import { sessionMethods } from "./session.js";
import { terminalMethods } from "./terminal.js";
import { watchMethods } from "./watch.js";

export const METHODS: ReadonlyMap<string, Method> = new Map(
  [...daemonMethods, ...sessionMethods, ...terminalMethods, ...watchMethods, ...eventMethods].map((method) => [method.name, method]),
);
