/**
 * Notifications of the desktop, by the program that the system brings for it: notify-send (libnotify) or osascript (macOS). Found
 * once, at the start.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Notice } from "../../notices.js";

export interface Desktop {
  /** Arguments that show this. Nothing in them is taken for an option or for markup. */
  command: string;
  args(notice: Notice, title: string, body: string): string[];
}

/** @returns what shows notifications here, or why nothing does */
export function findDesktop(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Desktop | { missing: string } {
  if (platform === "darwin") return { command: "/usr/bin/osascript", args: (_notice, title, body) => ["-e", SCRIPT, title, body] };
  const command = onPath("notify-send", env);
  if (command === null) return { missing: "notify-send is not in the daemon's PATH (Debian: libnotify-bin)" };
  if (["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"].every((name) => (env[name] ?? "") === ""))
    return { missing: "the daemon was started without a desktop session: none of DBUS_SESSION_BUS_ADDRESS, DISPLAY, WAYLAND_DISPLAY" };
  return {
    command,
    args: (notice, title, body) => [
      "--app-name=lifeguard",
      `--urgency=${notice === "finished" ? "normal" : "critical"}`,
      "--",
      title,
      body.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
    ],
  };
}

/** The words come as arguments: inside the script they could end a string. */
const SCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";

function onPath(name: string, env: NodeJS.ProcessEnv): string | null {
  for (const directory of (env["PATH"] ?? "").split(delimiter)) {
    if (!directory.startsWith("/")) continue;
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return null;
}
