/** What was typed before a daemon was replaced: the next one cannot know it, and does not glue a prompt onto it. */
import { expect, test } from "vitest";
import { startDaemon } from "../support/daemon.js";
import { waitForScreen } from "../support/wait.js";

const daemon = await startDaemon({ config: "[session]\nidle_hold_ms = 200\nkill_grace_ms = 200\n" });

test.each(["asked to end", "killed"])(
  "half a line of a shell, the daemon %s: the prompt is refused, until the line is gone",
  async (end) => {
    const before = await daemon.client();
    const session = { command: "/bin/bash", args: ["--norc"], cwd: daemon.home };
    const [{ id }, { id: bare }] = [await before.call("session.create", session), await before.call("session.create", session)];
    for (const one of [id, bare]) await before.call("session.wait", { id: one, until: ["idle"], timeout_ms: 20_000 });
    await before.call("session.input", { id, data: "echo one-" });
    await waitForScreen(before, id, "echo one-");
    await (end === "killed" ? daemon.kill9() : daemon.stop());
    await daemon.start();

    const client = await daemon.client();
    for (const one of [id, bare]) await client.call("session.wait", { id: one, until: ["idle"], timeout_ms: 20_000 });
    await expect(client.call("session.prompt", { id, text: "echo two" })).rejects.toMatchObject({
      name: "BUSY",
      message: expect.stringContaining("echo one-"),
    });
    expect(await client.call("session.prompt", { id: bare, text: "echo three" })).toMatchObject({ delivery: "submitted" });
    await client.call("session.keys", { id, keys: ["C-u"] });
    expect(await client.call("session.prompt", { id, text: "echo four" })).toMatchObject({ delivery: "submitted" });
    await waitForScreen(client, id, "four");
    expect((await client.call("session.screen", { id })).text).not.toContain("one-echo");
  },
);
