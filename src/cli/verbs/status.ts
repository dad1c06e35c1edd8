import { coloursFor, paintState, stateWords } from "../colours.js";
import { counted } from "../counted.js";
import { briefAge } from "../duration.js";
import { jsonPage } from "../json.js";
import { printable } from "../printable.js";
import { resolvePaths } from "../../paths.js";
import { SESSION_STATES } from "../../session.js";
import { queueWords } from "../store-lines.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`;

export const verb: Verb<{ json?: boolean }> = {
  record: {
    name: "status",
    summary: "how the daemon is",
    options: [{ flags: "--json", description: "print what the daemon answers" }],
    example: "lifeguard status",
    startsDaemon: false,
  },
  async run({ options, env, terminal, connect, socketFlag }: Invocation<{ json?: boolean }>) {
    const status = await (await connect()).call("daemon.status");
    if (options.json === true) {
      terminal.stdout.write(jsonPage(status));
      return EXIT.done;
    }
    const colours = coloursFor(terminal.stdout, env);
    const counts = SESSION_STATES.filter((state) => (status.sessions[state] ?? 0) > 0).map((state) =>
      paintState(colours, state, `${stateWords(state, "high").slice(0, 1)} ${status.sessions[state]} ${state}`),
    );
    const lines: [string, string][] = [
      ["daemon", `version ${status.version}, pid ${status.pid}, up ${briefAge(status.uptime_ms)}, boot ${status.boot}`],
      ["socket", resolvePaths(env, socketFlag === undefined ? {} : { socket: socketFlag }).socket],
      ["sessions", counts.length === 0 ? "none" : counts.join("  ")],
      [
        "threads",
        status.threads.length === 0
          ? "none"
          : status.threads
              .map((thread) => `${thread.id}: ${counted(thread.actors, "actor")}, ${mebibytes(thread.heap_bytes)} heap`)
              .join("; "),
      ],
      [
        "keepers",
        status.keepers.length === 0
          ? "none"
          : status.keepers
              .map((keeper) => `pid ${keeper.pid}, ${counted(keeper.sessions, "session")}${keeper.draining ? ", draining" : ""}`)
              .join("; "),
      ],
      ["memory", `daemon ${mebibytes(status.memory.daemon_rss)}, keeper ${mebibytes(status.memory.keeper_rss)}`],
      [
        "open",
        [
          counted(status.fds, "descriptor"),
          counted(status.ptys, "terminal"),
          counted(status.connections, "connection"),
          counted(status.watches, "watch", "watches"),
        ].join(", "),
      ],
      [
        "store",
        `${status.store.ok ? "ok" : "not well: lifeguard store status says why"}${status.store.damaged === 0 ? "" : `, ${status.store.damaged} damaged`}`,
      ],
      ["queue", queueWords(status.queue)],
      [
        "thoughts",
        `${status.thoughts.engine}${status.thoughts.healthy ? "" : `, not well: ${printable(status.thoughts.detail ?? "it does not answer")}`}`,
      ],
      [
        "restored",
        status.restored === null || status.restored.sessions === 0
          ? "nothing"
          : `${counted(status.restored.sessions, "session")} in ${status.restored.ms.toFixed(0)} ms`,
      ],
    ];
    terminal.stdout.write(lines.map(([label, value]) => `${colours.dim(label.padEnd(9))} ${value}\n`).join(""));
    return EXIT.done;
  },
};
