/** JSON lines with nothing but a standard library: what a script of three lines needs to work. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { run } from "./run.js";
import { startServer } from "./rpc-fixture.js";

const installed = spawnSync("python3", ["--version"]).status === 0;

const SCRIPT = String.raw`
import base64, json, os, socket
s = socket.socket(socket.AF_UNIX); s.connect(os.environ["LIFEGUARD_TEST_SOCKET"])
# Not "rw": Python's text file forgets what it has read ahead whenever it writes.
lines = s.makefile("r", encoding="utf-8", newline="\n")
notified = []
def call(id, method, params=None):
    s.sendall((json.dumps({"id": id, "method": method, **({} if params is None else {"params": params})}) + "\n").encode())
    while True:
        answer = json.loads(lines.readline())
        if answer.get("id") == id: return answer
        notified.append(answer)
out = {}
out["hello"] = call("a", "daemon.hello")["result"]["protocol"]
out["events"] = call(1, "events.subscribe", {})["result"]["gap"]
out["created"] = call(2, "session.create", {"name": "py"})["result"]["name"]
out["input"] = call(3, "session.input", {"id": "py", "data_b64": base64.b64encode(b"\x00\xff").decode()})["result"]
out["screen"] = call(4, "session.screen", {"id": "py"})["result"]["offset"]
out["read"] = call(5, "session.read", {"id": "py", "max": 10})["result"]
out["error"] = call(6, "session.get", {"id": "nobody"})["error"]
out["events_seen"] = [n["params"]["kind"] for n in notified]
print(json.dumps(out))
`;

it.skipIf(!installed)("serves a Python script", async () => {
  const fixture = await startServer();
  try {
    const { stdout, stderr } = await run("python3", ["-c", SCRIPT], { LIFEGUARD_TEST_SOCKET: fixture.socket });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      hello: 1,
      events: false,
      created: "py",
      input: { accepted: 2 },
      screen: 2 ** 40,
      read: { offset: 0, data_b64: "", next: 0, gap: 0 },
      error: { code: 2, name: "NOT_FOUND", message: 'no session "nobody"', data: { field: "id" } },
      events_seen: ["session.created"],
    });
    expect(fixture.supervisor.sessions.get("sess_1")?.input).toEqual([Buffer.from([0, 255])]);
  } finally {
    await fixture.end();
  }
});

it.skipIf(!installed || process.getuid?.() !== 0)("refuses another user before a byte is read", async () => {
  const { chmodSync } = await import("node:fs");
  const { dirname } = await import("node:path");
  const fixture = await startServer();
  try {
    // What the modes forbid is let through here, so that only the check of the peer is left.
    for (const path of [fixture.home, dirname(fixture.socket)]) chmodSync(path, 0o755);
    chmodSync(fixture.socket, 0o666);
    const script =
      'import os,socket\nos.setgid(65534); os.setuid(65534)\ns=socket.socket(socket.AF_UNIX); s.connect(os.environ["LIFEGUARD_TEST_SOCKET"])\ntry:\n s.sendall(b\'{"id":1,"method":"daemon.hello"}\\n\')\n print(repr(s.recv(100)))\nexcept OSError as e: print(type(e).__name__)\n';
    const { stdout } = await run("python3", ["-c", script], { LIFEGUARD_TEST_SOCKET: fixture.socket });
    expect(stdout.trim()).toMatch(/^(b''|BrokenPipeError|ConnectionResetError)$/);
    expect(fixture.server.connections).toBe(0);
    expect(fixture.supervisor.closedConnections).toEqual([]);
  } finally {
    await fixture.end();
  }
});
