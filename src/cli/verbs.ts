/** The verbs, each loaded when it is used: `lifeguard ls` pays for `ls` alone. In the order of the help. */
import type { Verb } from "./verb.js";

type Load = () => Promise<{ verb: Verb<never> }>;

export const VERBS: Readonly<Record<string, Load>> = {
  new: () => import("./verbs/new.js"),
  ls: () => import("./verbs/ls.js"),
  show: () => import("./verbs/show.js"),
  screen: () => import("./verbs/screen.js"),
  attach: () => import("./verbs/attach.js"),
  send: () => import("./verbs/send.js"),
  keys: () => import("./verbs/keys.js"),
  prompt: () => import("./verbs/prompt.js"),
  paste: () => import("./verbs/paste.js"),
  logs: () => import("./verbs/logs.js"),
  wait: () => import("./verbs/wait.js"),
  events: () => import("./verbs/events.js"),
  explain: () => import("./verbs/explain.js"),
  kill: () => import("./verbs/kill.js"),
  set: () => import("./verbs/set.js"),
  restart: () => import("./verbs/restart.js"),
  rm: () => import("./verbs/rm.js"),
  "checkpoint save": () => import("./verbs/checkpoint-save.js"),
  "checkpoint ls": () => import("./verbs/checkpoint-ls.js"),
  "checkpoint show": () => import("./verbs/checkpoint-show.js"),
  "checkpoint restore": () => import("./verbs/checkpoint-restore.js"),
  "checkpoint fork": () => import("./verbs/checkpoint-fork.js"),
  "checkpoint rm": () => import("./verbs/checkpoint-rm.js"),
  "journal ls": () => import("./verbs/journal-ls.js"),
  "journal add": () => import("./verbs/journal-add.js"),
  "journal show": () => import("./verbs/journal-show.js"),
  "journal compact": () => import("./verbs/journal-compact.js"),
  "tmux ls": () => import("./verbs/tmux-ls.js"),
  "tmux adopt": () => import("./verbs/tmux-adopt.js"),
  "thought ls": () => import("./verbs/thought-ls.js"),
  "thought show": () => import("./verbs/thought-show.js"),
  "thought publish": () => import("./verbs/thought-publish.js"),
  "thought config": () => import("./verbs/thought-config.js"),
  "thought test": () => import("./verbs/thought-test.js"),
  top: () => import("./verbs/top.js"),
  status: () => import("./verbs/status.js"),
  doctor: () => import("./verbs/doctor.js"),
  prune: () => import("./verbs/prune.js"),
  "store status": () => import("./verbs/store-status.js"),
  "store verify": () => import("./verbs/store-verify.js"),
  daemon: () => import("./verbs/daemon.js"),
  "daemon stop": () => import("./verbs/daemon-stop.js"),
  "daemon reload": () => import("./verbs/daemon-reload.js"),
  "daemon upgrade": () => import("./verbs/daemon-upgrade.js"),
  "config schema": () => import("./verbs/config-schema.js"),
  "service install": () => import("./verbs/service-install.js"),
  "service uninstall": () => import("./verbs/service-uninstall.js"),
  "service status": () => import("./verbs/service-status.js"),
  "service print": () => import("./verbs/service-print.js"),
  "profile list": () => import("./verbs/profile-list.js"),
  "profile test": () => import("./verbs/profile-test.js"),
  "profile new": () => import("./verbs/profile-new.js"),
  hook: () => import("./verbs/hook.js"),
  "hook install": () => import("./verbs/hook-install.js"),
  "hook uninstall": () => import("./verbs/hook-uninstall.js"),
  "hook status": () => import("./verbs/hook-status.js"),
  mcp: () => import("./verbs/mcp.js"),
  "api schema": () => import("./verbs/api-schema.js"),
  "api call": () => import("./verbs/api-call.js"),
  "shell-integration": () => import("./verbs/shell-integration.js"),
  completion: () => import("./verbs/completion.js"),
};

/** Options before or after any verb. */
export const GLOBAL_OPTIONS: readonly { flags: string; description: string }[] = [
  { flags: "--socket <path>", description: "the daemon's socket (else LIFEGUARD_SOCKET, else where docs/protocol.md says)" },
  { flags: "--no-start", description: "do not start a daemon when none runs" },
];

/** The verb that the words name: the longest that matches, and the words after it; undefined when none does. */
export function findVerb(words: readonly string[]): { name: string; load: Load } | undefined {
  for (const name of [words.slice(0, 2).join(" "), words[0] ?? ""]) {
    const load = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    if (load !== undefined) return { name, load };
  }
  return undefined;
}
