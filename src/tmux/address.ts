/** Which tmux server is meant, as the path of its socket. */
import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { LifeguardError } from "../errors.js";

export interface TmuxAddress {
  /** As tmux's `-S`: an absolute path. */
  socket?: string | undefined;
  /** As tmux's `-L`: a name in tmux's own directory. */
  socketName?: string | undefined;
}

/** @param word a path (it is one when it has a slash) or a name */
export function addressOf(word: string): TmuxAddress {
  return word.includes("/") ? { socket: word } : { socketName: word };
}

/**
 * The socket's path, symbolic links in its directory resolved, so that one server has one path.
 * @param env where TMUX_TMPDIR is looked up
 * @throws INVALID_PARAMS
 */
export function socketPath(address: TmuxAddress, env: NodeJS.ProcessEnv): string {
  const { socket, socketName } = address;
  if (socket !== undefined && socketName !== undefined)
    throw new LifeguardError("INVALID_PARAMS", "socket and socket_name are given: a server has one address, give one", { field: "socket" });
  if (socket !== undefined) {
    if (!isAbsolute(socket) || socket.includes("\0"))
      throw new LifeguardError("INVALID_PARAMS", `socket is an absolute path, got ${JSON.stringify(socket.slice(0, 80))}`, {
        field: "socket",
      });
    return resolved(socket);
  }
  const name = socketName ?? "default";
  if (name === "" || name.includes("/") || name.includes("\0") || name === "." || name === "..")
    throw new LifeguardError("INVALID_PARAMS", `socket_name is a name in tmux's directory, got ${JSON.stringify(name.slice(0, 80))}`, {
      field: "socket_name",
    });
  return resolved(join(env["TMUX_TMPDIR"] ?? "/tmp", `tmux-${process.getuid?.() ?? 0}`, name));
}

function resolved(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path; // No such directory: no server, and nothing to resolve.
  }
}
