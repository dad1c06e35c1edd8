/** Which tmux server a verb means. */
import { resolve } from "node:path";
import type { OptionRecord } from "./verb.js";

export interface TmuxServerOptions {
  socketName?: string;
  socketPath?: string;
}

export const TMUX_SERVER_OPTIONS: readonly OptionRecord[] = [
  {
    flags: "-L, --socket-name <name>",
    description: "the tmux server of this socket name, as tmux -L; else the first of [tmux] servers in config.toml",
  },
  { flags: "-S, --socket-path <path>", description: "the tmux server of this socket, as tmux -S" },
];

export function tmuxServer(options: TmuxServerOptions): { socket?: string; socket_name?: string } {
  return {
    ...(options.socketPath === undefined ? {} : { socket: resolve(options.socketPath) }),
    ...(options.socketName === undefined ? {} : { socket_name: options.socketName }),
  };
}
