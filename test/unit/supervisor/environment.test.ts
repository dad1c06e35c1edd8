import { describe, expect, test } from "vitest";
import {
  baseEnvironment,
  checkDirectory,
  checkEnvironment,
  resolveCommand,
  sessionEnvironment,
} from "../../../src/supervisor/environment.js";

describe("environment of a session", () => {
  test("nothing of another terminal, multiplexer or daemon is handed on", () => {
    const env = baseEnvironment("none", {
      TMUX: "/tmp/tmux-0/default,1,0",
      TMUX_PANE: "%1",
      STY: "1.pts",
      COLUMNS: "80",
      LINES: "24",
      LIFEGUARD_HOME: "/x",
      NOTIFY_SOCKET: "/run/n",
      PATH: "/bin",
    });
    expect(env).toEqual({ PATH: "/bin" });
  });

  test("what names the session and its terminal wins over what the caller has", () => {
    const env = sessionEnvironment({ TERM: "dumb", TERM_PROGRAM: "iTerm.app", A: "1" }, "sess_3", "/run/lg.sock");
    expect(env).toEqual(
      expect.arrayContaining([
        "A=1",
        "TERM=xterm-256color",
        "COLORTERM=truecolor",
        "TERM_PROGRAM=lifeguard",
        "LIFEGUARD_SESSION=sess_3",
        "LIFEGUARD_SOCKET=/run/lg.sock",
      ]),
    );
    expect(env.filter((entry) => entry.startsWith("TERM="))).toHaveLength(1);
  });

  test("names and values that exec would garble are refused by name", () => {
    expect(() => checkEnvironment({ "A=B": "1" })).toThrow(/"A=B" cannot be set/);
    expect(() => checkEnvironment({ A: "1\0" })).toThrow(/"A" cannot be set/);
    expect(() => checkEnvironment({ "": "1" })).toThrow(/cannot be set/);
  });

  test("a command is looked up in the session's own PATH, from the session's own directory", () => {
    expect(resolveCommand("sh", { PATH: "/nowhere:/bin" }, "/")).toBe("/bin/sh");
    expect(resolveCommand("./bin/sh", {}, "/")).toBe("/bin/sh");
    expect(() => resolveCommand("sh", { PATH: "/nowhere" }, "/")).toThrow(/"sh" was not found in PATH \(\/nowhere\)/);
    expect(() => resolveCommand("/etc/passwd", {}, "/")).toThrow(/is not an executable file/);
    expect(() => resolveCommand("", {}, "/")).toThrow(/must name a program/);
  });

  test("a directory must be there, be a directory, and be absolute", () => {
    expect(() => checkDirectory("/")).not.toThrow();
    expect(() => checkDirectory("/nowhere/at/all")).toThrow(/ENOENT/);
    expect(() => checkDirectory("/etc/passwd")).toThrow(/cannot be entered|not a directory/);
    expect(() => checkDirectory("tmp")).toThrow(/absolute/);
  });
});
