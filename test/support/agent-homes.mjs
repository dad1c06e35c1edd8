// Where a coding agent under test lives: a directory with the settings that point it at the mock model and spare it its first-run
// questions. Everything is below a neutral path, because agents show their directory.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const KEY = "12345678901234567890";
export const TOOLS = ["claude", "codex", "opencode"];

/**
 * `trusted`: it has been told that it may work in this directory. `known`: it has been set up before. `mode`: Claude's permission mode.
 * `questions`: it may ask the user (Codex only, where that is off by default). `fresh`: `root` is emptied first; false: a second agent beside one that is there.
 *
 * @returns the environment, cwd and command of one agent. `programs` has node_modules/.bin
 */
export function agentHome(tool, { root, programs, port, trusted = true, known = true, mode = "default", questions = false, fresh = true }) {
  if (fresh) rmSync(root, { recursive: true, force: true });
  const cwd = join(root, "demo");
  const home = join(root, "home");
  for (const directory of [cwd, home]) mkdirSync(directory, { recursive: true });
  const url = `http://127.0.0.1:${port}`;
  const env = {
    PATH: `${join(programs, "node_modules", ".bin")}:${process.env.PATH}`,
    HOME: home,
    SHELL: "/bin/bash",
    LANG: "C.UTF-8",
    TERM: "xterm-256color",
    COLORTERM: "truecolor",
    TERM_PROGRAM: "lifeguard",
    PS1: "user@host:\\w\\$ ",
    ...SETTINGS[tool]({ root, cwd, home, url, trusted, known, mode, questions }),
  };
  return { cwd, env, command: tool };
}

const SETTINGS = {
  claude({ root, cwd, url, trusted, known, mode }) {
    const directory = join(root, "claude");
    mkdirSync(directory, { recursive: true });
    const project = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true, allowedTools: [] };
    const settings = {
      ...(known ? { hasCompletedOnboarding: true, theme: "dark", customApiKeyResponses: { approved: [KEY], rejected: [] } } : {}),
      projects: trusted ? { [cwd]: project } : {},
    };
    writeFileSync(join(directory, ".claude.json"), JSON.stringify(settings));
    // Newer versions approve by themselves unless they are told to ask.
    writeFileSync(join(directory, "settings.json"), JSON.stringify({ permissions: { defaultMode: mode } }));
    return {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: `sk-ant-api03-${KEY}`,
      CLAUDE_CONFIG_DIR: directory,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      DISABLE_TELEMETRY: "1",
      IS_SANDBOX: "1",
    };
  },
  codex({ root, cwd, url, trusted, known, questions }) {
    const directory = join(root, "codex");
    mkdirSync(directory, { recursive: true });
    writeFileSync(
      join(directory, "config.toml"),
      [
        'model = "gpt-5"',
        ...(known ? ['model_provider = "mock"'] : []),
        // Who says what it may do is not asked for trust.
        ...(trusted ? ['approval_policy = "on-request"', 'sandbox_mode = "read-only"'] : []),
        "check_for_update_on_startup = false",
        "[model_providers.mock]",
        'name = "mock"',
        `base_url = "${url}/v1"`,
        'env_key = "OPENAI_API_KEY"',
        'wire_api = "responses"',
        ...(questions ? ["[features]", "default_mode_request_user_input = true"] : []),
        ...(trusted ? [`[projects."${cwd}"]`, 'trust_level = "trusted"'] : []),
        "",
      ].join("\n"),
    );
    return { CODEX_HOME: directory, ...(known ? { OPENAI_API_KEY: "x" } : {}) };
  },
  opencode({ root, cwd, url }) {
    const provider = {
      npm: "@ai-sdk/openai-compatible",
      name: "mock",
      options: { baseURL: `${url}/v1`, apiKey: "x" },
      models: { m: { name: "m", tool_call: true } },
    };
    const settings = {
      $schema: "https://opencode.ai/config.json",
      autoupdate: false,
      permission: { bash: "ask", edit: "ask" },
      model: "mock/m",
      provider: { mock: provider },
    };
    writeFileSync(join(cwd, "opencode.json"), JSON.stringify(settings));
    return { XDG_CONFIG_HOME: join(root, "config"), XDG_DATA_HOME: join(root, "data") };
  },
};
