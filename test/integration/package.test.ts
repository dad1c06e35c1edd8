/**
 * The package as npm has it: what is in it, whether its types resolve, and a fresh user's install: npm install -g into a prefix of
 * its own, with an empty HOME, no install script, and a PATH with nothing but node. Takes packages from npm's cache where it has them.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { figure } from "../support/figures.js";
import { checkLeaks } from "../support/leaks.js";
import { killEach, processesNaming } from "../support/processes.js";
import { waitUntil } from "../support/wait.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(import.meta.url);

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

function exec(file: string, args: string[], options: { cwd: string; env: Record<string, string | undefined> }): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(file, args, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** npm itself: its start script needs more than node on the PATH. */
function npmScript(): string {
  const told = process.env["npm_execpath"];
  if (told?.endsWith("npm-cli.js") === true) return told;
  const directory = (process.env["PATH"] ?? "")
    .split(":")
    .find((one) => statSync(join(one, "npm"), { throwIfNoEntry: false }) !== undefined);
  return realpathSync(join(directory ?? "/usr/bin", "npm"));
}

interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

let directory: string;
let tarball: string;
let packed: Packed;

checkLeaks();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "lifeguard-package-"));
  // dist is fresh (fresh-build.ts), so that `prepack` has nothing to do here.
  const args = [npmScript(), "pack", "--ignore-scripts", "--json", "--pack-destination", directory];
  const { code, stdout, stderr } = await exec(process.execPath, args, { cwd: ROOT, env: process.env });
  expect(code, stderr).toBe(0);
  packed = (JSON.parse(stdout) as [Packed])[0];
  tarball = join(directory, packed.filename);
}, 120_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("has what runs, and none of what only we need", () => {
  const paths = packed.files.map(({ path }) => path);
  for (const path of [
    "bin/lifeguard",
    "bin/package.json",
    "dist/cli/main.js",
    "dist/rpc/client.js",
    "dist/rpc/client.d.ts",
    "man/lifeguard.1",
    "profiles/claude.toml",
    "docs/protocol.md",
    "examples/neovim/lifeguard.lua",
    ...["service", "shell"]
      .flatMap((name) => readdirSync(join(ROOT, name), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length)),
    "LICENSE",
    "README.md",
  ])
    expect(paths).toContain(path);
  expect(
    paths.filter((path) => /^(test|bench|src|scripts|\.ci)\/|\.map$|\.ts$(?<!\.d\.ts)(?<!^examples\/.*)|(^|\/)\.[^/]+$/.test(path)),
  ).toEqual([]);
  figure(
    "package",
    `${Math.round(packed.size / 1024)} KiB packed, ${Math.round(packed.unpackedSize / 1024)} KiB unpacked, ${paths.length} files`,
  );
});

test("every system that we name has its native parts built beforehand", () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: Record<string, object> };
  for (const system of ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]) {
    expect(packages).toHaveProperty([`node_modules/@koromix/koffi-${system}`]);
    expect(packages).toHaveProperty([`node_modules/@msgpackr-extract/msgpackr-extract-${system}`]);
    expect(readdirSync(join(dirname(require.resolve("node-pty/package.json")), "prebuilds", system))).toContain("pty.node");
  }
});

describe("types of lifeguard/client", () => {
  const bin = (name: string): string => join(ROOT, "node_modules", ".bin", name);

  test("publint has nothing to say", async () => {
    const { code, stdout, stderr } = await exec(bin("publint"), [tarball, "--strict"], { cwd: directory, env: process.env });
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("All good!");
  });

  test("attw resolves them", async () => {
    // An ES module only, for Node that can require one and for bundlers: what older resolutions make of it is not promised.
    const { code, stdout, stderr } = await exec(bin("attw"), [tarball, "--profile", "esm-only", "--no-color", "--no-emoji"], {
      cwd: directory,
      env: process.env,
    });
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain("lifeguard/client");
  });
});

describe("a fresh user", () => {
  let home: string;
  let prefix: string;
  let env: Record<string, string>;
  const lifeguard = async (...args: string[]): Promise<Ran> => await exec(join(prefix, "bin", "lifeguard"), args, { cwd: "/", env });

  beforeAll(async () => {
    home = join(directory, "home");
    prefix = join(directory, "prefix");
    const only = join(directory, "only-node");
    for (const made of [home, prefix, only]) mkdirSync(made);
    symlinkSync(process.execPath, join(only, "node"));
    const npm = npmScript();
    const setting = async (key: string): Promise<string> =>
      (await exec(process.execPath, [npm, "config", "get", key], { cwd: directory, env: process.env })).stdout.trim();
    const [cache, userconfig] = await Promise.all([setting("cache"), setting("userconfig")]);
    const began = performance.now();
    const { code, stderr } = await exec(
      process.execPath,
      [npm, "install", "--global", "--prefix", prefix, "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", tarball],
      // Which registry, and what npm has of it already, is the machine's; everything else is as on a new one.
      { cwd: directory, env: { ...process.env, HOME: home, PATH: only, npm_config_cache: cache, npm_config_userconfig: userconfig } },
    );
    const seconds = (performance.now() - began) / 1_000;
    expect(code, stderr).toBe(0);
    const modules = join(prefix, "lib", "node_modules", "lifeguard");
    const files = readdirSync(modules, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const bytes = files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
    const packages = files.filter((entry) => /node_modules\/(@[^/]+\/)?[^/]+$/.test(entry.parentPath) && entry.name === "package.json");
    figure("npm install -g", `${seconds.toFixed(1)} s, ${packages.length} packages, ${Math.round(bytes / 2 ** 20)} MiB`);
    env = { HOME: home, PATH: `${join(prefix, "bin")}:${only}` };
  }, 300_000);

  afterAll(async () => {
    await lifeguard("daemon", "stop", "--all");
    // The keeper would end by itself, in ten seconds.
    await waitUntil("everything of the fresh user to end", () => {
      const left = processesNaming(home);
      killEach(left.map(({ pid }) => pid));
      return left.length === 0;
    });
  });

  test("starts, lists, looks at and ends a session from any directory", async () => {
    expect(await lifeguard("new", "--name", "one", "--", "/bin/cat")).toEqual({ code: 0, stdout: "sess_1\n", stderr: "" });
    expect((await lifeguard("ls")).stdout).toMatch(/^sess_1 +one +\S/m);
    expect((await lifeguard("send", "one", "--enter", "hello")).code).toBe(0);
    expect((await lifeguard("wait", "one", "--until", "idle", "--timeout", "60s")).stdout).toBe("idle\n");
    expect((await lifeguard("screen", "one")).stdout).toContain("hello");
    expect((await lifeguard("kill", "one")).stdout).toMatch(/^ended one: /);
    expect((await lifeguard("ls")).stdout).not.toContain("sess_1");
  });

  test("has all that is not code: profiles, units, the page of man, completion, help", async () => {
    expect((await lifeguard("--version")).stdout).toBe(`${(require("../../package.json") as { version: string }).version}\n`);
    expect((await lifeguard("profile", "list")).stdout).toContain("claude");
    expect((await lifeguard("service", "print")).stdout).toContain(join(prefix, "lib", "node_modules", "lifeguard", "bin", "lifeguard"));
    for (const shell of ["bash", "zsh", "fish"]) expect((await lifeguard("completion", shell)).stdout).toContain("lifeguard complete");
    expect(readFileSync(join(prefix, "share", "man", "man1", "lifeguard.1"), "utf8")).toContain(".TH LIFEGUARD 1");
    expect((await lifeguard("--help")).code).toBe(0);
  });

  test("serves MCP", async () => {
    const client = new Client({ name: "fresh", version: "0" });
    await client.connect(new StdioClientTransport({ command: join(prefix, "bin", "lifeguard"), args: ["mcp"], env, cwd: "/" }));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain("start_session");
    await client.close();
  });

  test("stops the daemon", async () => {
    expect((await lifeguard("daemon", "stop", "--all")).code).toBe(0);
    expect((await lifeguard("ls")).code).toBe(5);
  });
});
