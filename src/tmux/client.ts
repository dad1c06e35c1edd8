/**
 * A control client of one tmux session: `tmux -C attach-session` on one end of a socket pair, whose other end is an actor's. It is
 * a client that counts for nobody: its size is ignored, and the session's environment is left as it is. It ends when the actor
 * closes its end, when tmux detaches it, and with this process.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { closeDescriptor } from "../libc/descriptors.js";
import { socketPair } from "../libc/sockets.js";

/** So far behind (seconds) tmux stops sending a pane's output rather than keep it; the pane is then captured anew. */
const PAUSE_AFTER_S = 5;
/** A client that has been told to go takes milliseconds, unless its server hangs. */
const GONE_MS = 2_000;

export interface ControlClientOptions {
  program: string;
  socket: string;
  /** `$3` */
  session: string;
  env: NodeJS.ProcessEnv;
  /** Not when it was ended by {@link ControlClient.end}. */
  ended(): void;
}

let tied: string[] | null = null;

/**
 * What makes a client end with this process, also when that is killed: tmux (3.3a at least) keeps one for ever whose other end has
 * gone while something was to be written to it. Where the system has nothing for it, only tmux's own word is left.
 */
function tiedToUs(): string[] {
  if (tied === null) {
    const words = ["setpriv", "--pdeathsig", "KILL"];
    tied =
      process.platform === "linux" && spawnSync(words[0] ?? "", [...words.slice(1), "true"], { timeout: 2_000 }).status === 0 ? words : [];
  }
  return tied;
}

export class ControlClient {
  readonly pid: number | undefined;
  readonly #child: ChildProcess;
  readonly gone: Promise<void>;
  #over = false;

  private constructor(child: ChildProcess, ended: () => void) {
    this.#child = child;
    this.pid = child.pid;
    this.gone = new Promise((resolve) => {
      const end = (): void => {
        resolve();
        if (this.#over) return;
        this.#over = true;
        ended();
      };
      child.once("exit", end);
      // It could not be started: that comes instead of an exit.
      child.once("error", end);
    });
  }

  /** @returns the client and the actor's end of it, which whoever gets it must close */
  static attach(options: ControlClientOptions): { client: ControlClient; line: number } {
    const { program, socket, session, env, ended } = options;
    const [ours, theirs] = socketPair();
    try {
      const flags = `ignore-size,pause-after=${PAUSE_AFTER_S}`;
      const attach = ["-u", "-S", socket, "-C", "attach-session", "-E", "-f", flags, "-t", session];
      const [command = program, ...args] = [...tiedToUs(), program, ...attach];
      const child = spawn(command, args, {
        stdio: [theirs, theirs, "ignore"],
        env,
        detached: true,
      });
      child.unref();
      return { client: new ControlClient(child, ended), line: ours };
    } catch (error) {
      closeDescriptor(ours);
      throw error;
    } finally {
      closeDescriptor(theirs);
    }
  }

  /**
   * The actor has closed its end, or will: tmux takes that as the client's wish to go. One whose server hangs hears nothing of it,
   * and is killed. Never before: a server of tmux 3.3a that loses a control client in the middle of its work can crash.
   */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    const child = this.#child;
    const timer = setTimeout(() => child.kill("SIGKILL"), GONE_MS);
    timer.unref();
    void this.gone.then(() => clearTimeout(timer));
  }
}
