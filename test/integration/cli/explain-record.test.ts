/** `explain --record`: what goes into a bug report, and what never does when it is masked. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startDaemon } from "../../support/daemon.js";
import { waitForScreen } from "../../support/wait.js";

const root = mkdtempSync(join(tmpdir(), "lifeguard-evidence-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SECRET = "Tr0ub4dor";
/** A dialog of Claude Code, with a secret in every place a program can put one. */
const DIALOG = `printf '\\033]0;✳ ${SECRET}\\007\\033]7;file://%s/tmp/${SECRET}\\007\\033]777;notify;${SECRET};${SECRET}\\007'; printf '%s\\r\\n' 'cat ${SECRET}.txt' '' '${"─".repeat(80)}' ' Bash command' '' '   cat ${SECRET}.txt' '' ' Do you want to proceed?' ' ❯ 1. Yes' '   2. No' '' ' Esc to cancel'; exec sleep 1000`;

test("a file that replays; masked, the same state from it and nothing that was secret", async () => {
  const daemon = await startDaemon();
  const client = await daemon.client();
  const { id } = await client.call("session.create", {
    tool: "claude",
    command: "sh",
    args: ["-c", DIALOG, SECRET],
    env: { TOKEN: SECRET },
    name: SECRET,
    labels: { [SECRET]: SECRET },
  });
  await waitForScreen(client, id, "Esc to cancel");
  await client.call("session.wait", { id, until: ["attention"], timeout_ms: 20_000 });
  const plain = join(root, "plain.cast");
  const masked = join(root, "masked.cast");
  expect(await daemon.run(["explain", SECRET, "--record", plain])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("--mask") as string,
  });
  expect(await daemon.run(["explain", SECRET, "--record", masked, "--mask"])).toMatchObject({ code: 0, stderr: "" });
  expect(statSync(masked).mode & 0o777).toBe(0o600);
  const [all, text] = [readFileSync(plain, "utf8"), readFileSync(masked, "utf8")];
  expect(all).toContain(`cat ${SECRET}.txt`);
  for (const secret of [SECRET, SECRET.toLowerCase(), "Tr0", "dor", daemon.home, "/tmp/", process.cwd(), "cat "])
    expect(text).not.toContain(secret);
  const { lifeguard } = JSON.parse(text.split("\n", 1)[0] ?? "") as { lifeguard: { explanation: Record<string, unknown> } };
  expect(lifeguard).toMatchObject({
    masked: true,
    output_cut: false,
    session: { id, state: "attention" },
    explanation: { state: "attention", evidence: { source: "screen" }, tool: { name: "claude" } },
  });
  const profile = join(root, "claude.toml");
  writeFileSync(profile, 'format = 1\nname = "claude"\nextends = true\n');
  for (const file of [plain, masked]) {
    const { stdout, code } = await daemon.run(["profile", "test", profile, file]);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").at(-1)).toMatch(/attention screen/);
  }
  // Never over what is there; to stdout on request.
  expect(await daemon.run(["explain", id, "--record", plain])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is there already") as string,
  });
  expect(readFileSync(plain, "utf8")).toBe(all);
  expect((await daemon.run(["explain", id, "--record", "-", "--mask"])).stdout.split("\n")[1]).toBe(text.split("\n")[1]);
  expect(await daemon.run(["explain", id, "--mask"])).toMatchObject({ code: 2 });
});
