import { resolvePaths } from "../../paths.js";
import { Client } from "../../rpc/client.js";
import { counted } from "../counted.js";
import { jsonPage } from "../json.js";
import { installedService } from "../service/platforms.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT } from "../verb.js";

interface Options {
  json?: boolean;
}

export const verb: Verb<Options> = {
  record: {
    name: "service status",
    summary: "whether the daemon runs, and who sees to it",
    details: "Asks the daemon first: what the manager thinks of its unit comes second. Exits 5 when no daemon answers.",
    options: [{ flags: "--json", description: "print it as JSON" }],
    example: "lifeguard service status",
    startsDaemon: false,
  },
  async run({ options, env, terminal, socketFlag }: Invocation<Options>) {
    const { socket } = resolvePaths(env, socketFlag === undefined ? {} : { socket: socketFlag });
    const service = installedService(socket, env);
    const unit = service === null ? null : await service.manager.state();
    // With socket activation, asking starts a daemon that is down: look at the unit first, and ask only one that is up.
    const daemon = service !== null && unit !== "active" && service.manager.kind === "systemd" ? null : await ask(socket);
    const report = {
      socket,
      daemon,
      service:
        service === null ? null : { manager: service.manager.kind, scope: service.scope, unit, directory: service.manager.directory },
    };
    if (options.json === true) terminal.stdout.write(jsonPage(report));
    else {
      terminal.stdout.write(
        daemon === null
          ? `daemon    none answers at ${socket}\n`
          : `daemon    answers (pid ${daemon.pid}, version ${daemon.version}, ${counted(daemon.sessions, "session")}): ${socket}\n`,
      );
      terminal.stdout.write(
        report.service === null
          ? "service   not installed: lifeguard service install\n"
          : `service   ${report.service.manager}, ${report.service.scope}: ${unit} (${report.service.directory})\n`,
      );
    }
    return daemon === null ? EXIT.unreachable : EXIT.done;
  },
};

async function ask(socket: string): Promise<{ pid: number; version: string; sessions: number } | null> {
  try {
    const client = await Client.connect({ socket, reconnect: false, client: "lifeguard-cli" });
    const { sessions } = await client.call("daemon.status", {});
    const live = Object.entries(sessions).reduce((sum, [state, count]) => (state === "exited" ? sum : sum + count), 0);
    await client.close();
    return { pid: client.hello.pid, version: client.hello.version, sessions: live };
  } catch {
    return null;
  }
}
