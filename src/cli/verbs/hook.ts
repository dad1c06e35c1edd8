import { HOOK_TOOLS } from "../hook/payload.js";
import { reportHook } from "../hook/report.js";
import type { Invocation, Verb } from "../verb.js";
import { EXIT, UsageError } from "../verb.js";

export const verb: Verb<Record<string, never>> = {
  record: {
    name: "hook",
    summary: "tell the daemon what an agent tells its hooks (the agent runs it, not you)",
    details:
      "Reads the payload of one event on stdin, or as the last word (Codex's notify), and reports it for $LIFEGUARD_SESSION. It prints nothing, takes a fraction of a second whatever happens, and always exits with 0: an agent never fails by it. Outside a session it does nothing.",
    arguments: [
      { name: "<tool>", description: HOOK_TOOLS.join(", "), completes: HOOK_TOOLS },
      { name: "[payload...]", description: "the payload, where the agent gives it as a word" },
    ],
    example: "lifeguard hook install claude",
    startsDaemon: false,
  },
  // bin/lifeguard goes straight to hook/main.ts when the words say what an agent's do; what comes here was typed, or has options before it.
  async run({ words, env, terminal, socketFlag }: Invocation<Record<string, never>>) {
    const [tool = ""] = words;
    const typed = terminal.stdin.isTTY && (env["LIFEGUARD_SESSION"] ?? "") === "";
    if (!HOOK_TOOLS.some((known) => known === tool)) {
      if (typed)
        throw new UsageError(
          `${JSON.stringify(tool)} is not among ${HOOK_TOOLS.join(", ")}: other agents have no hooks that are known here (and hook goes with install, uninstall, status)`,
        );
      return EXIT.done;
    }
    await reportHook(words, socketFlag === undefined ? env : { ...env, LIFEGUARD_SOCKET: socketFlag }).catch(() => {});
    return EXIT.done;
  },
};
