import { coloursFor } from "../colours.js";
import { terminalSize } from "../terminal.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";
import { parseSize } from "../words.js";
import type { TerminalSize } from "../../session.js";

interface Options {
  once?: boolean;
  size?: TerminalSize;
}

export const verb: Verb<Options> = {
  record: {
    name: "top",
    summary: "a live table of the sessions; keys to attach, peek, kill, restart",
    details: "Who needs a person comes first. ? shows the keys.",
    options: [
      { flags: "--once", description: "print one frame and end" },
      { flags: "--size <columns x rows>", description: "of that frame, 80x24 when this is no terminal", parse: parseSize },
    ],
    example: "lifeguard top",
    startsDaemon: false,
  },
  async run({ options, env, terminal, socketFlag, connect }: Invocation<Options>) {
    const colours = coloursFor(terminal.stdout, env);
    const home = env["HOME"];
    if (options.once === true) {
      const [client, { frame }, { TopFeed }, { EMPTY, withSessions }] = await Promise.all([
        connect(),
        import("../top/top-frame.js"),
        import("../top/top-feed.js"),
        import("../top/top-state.js"),
      ]);
      const size = options.size ?? terminalSize(terminal) ?? { cols: 80, rows: 24 };
      let state = EMPTY;
      const feed = new TopFeed(client, {
        sessions: (sessions) => (state = withSessions(state, sessions, size.rows)),
        status: (status) => (state = { ...state, status }),
        trouble: (trouble) => (state = { ...state, trouble }),
      });
      await feed.list();
      await feed.status();
      terminal.stdout.write(`${frame(state, { size, now: Date.now(), home, colours }).join("\n")}\n`);
      return EXIT.done;
    }
    if (!terminal.stdin.isTTY || !terminal.stdout.isTTY)
      throw new UsageError("top needs a terminal: top --once prints one frame, ls --json is for programs");
    const [client, { top }, { configuredDetachKey }] = await Promise.all([
      connect({ reconnect: true }),
      import("../top/top.js"),
      import("./attach.js"),
    ]);
    await top({
      terminal,
      client,
      home,
      colours,
      ownSession: env["LIFEGUARD_SESSION"],
      detachKey: () => configuredDetachKey(env, socketFlag, (line) => terminal.stderr.write(line)),
    });
    return EXIT.done;
  },
};
