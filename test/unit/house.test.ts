/**
 * The house rules of docs/adr and HACKING.md, and proof that what enforces them does: a checker that looks at nothing also
 * reports nothing.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingFrom } from "../../scripts/complete-lock.mjs";
import { filesWithCounts } from "../support/full-counts.js";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const RESTRICTED = "eslint(no-restricted-imports)";

interface Plant {
  /** Where it is planted, and what stands there. */
  file: string;
  code: string;
}

const use = (specifier: string): string => `import * as planted from "${specifier}";\nexport const seen: unknown = planted;\n`;
const useType = (specifier: string, name: string): string => `import type { ${name} } from "${specifier}";\nexport type Seen = ${name};\n`;
const load = (specifier: string): string => `export const seen: unknown = await import("${specifier}");\n`;

const forbidden: (Plant & { rule?: string })[] = [
  { file: "src/planted-words.ts", code: use("./libc/sockets.js") },
  { file: "src/planted-words-type.ts", code: useType("./actors/messages.js", "ActorApi") },
  { file: "src/planted-daemon.ts", code: use("./daemon.js") },
  { file: "src/libc/planted-spool.ts", code: use("../spool/spool.js") },
  { file: "src/spool/planted-actors.ts", code: use("../actors/messages.js") },
  { file: "src/spool/planted-koffi.ts", code: use("koffi") },
  { file: "src/service/planted-supervisor.ts", code: use("../supervisor/api.js") },
  { file: "src/service/planted-koffi.ts", code: use("koffi") },
  { file: "src/profiles/planted-actors.ts", code: use("../actors/messages.js") },
  { file: "src/profiles/planted-libc.ts", code: use("../libc/sockets.js") },
  { file: "src/spool/planted-profiles.ts", code: use("../profiles/profile.js") },
  { file: "src/tmux/planted-actors.ts", code: use("../actors/messages.js") },
  { file: "src/tmux/planted-spool.ts", code: use("../spool/spool.js") },
  { file: "src/tmux/planted-supervisor.ts", code: useType("../supervisor/api.js", "Caller") },
  { file: "src/reaper/planted-tmux.ts", code: use("../tmux/seed.js") },
  { file: "src/persistence/planted-tmux.ts", code: use("../tmux/seed.js") },
  { file: "src/cli/planted-tmux.ts", code: use("../tmux/seed.js") },
  { file: "src/rpc/planted-profiles.ts", code: use("../profiles/profile.js") },
  { file: "src/cli/planted-profile-test.ts", code: use("../profile-test.js") },
  { file: "src/actors/planted-reaper.ts", code: use("../reaper/custody.js") },
  { file: "src/actors/planted-rpc.ts", code: use("../rpc/client.js") },
  { file: "src/actors/planted-supervisor.ts", code: useType("../supervisor/api.js", "Caller") },
  { file: "src/actors/planted-pty.ts", code: use("node-pty") },
  { file: "src/reaper/planted-actors.ts", code: useType("../actors/messages.js", "ActorApi") },
  { file: "src/reaper/keeper/planted-supervisor.ts", code: use("../../supervisor/api.js") },
  { file: "src/reaper/keeper/planted-koffi.ts", code: load("koffi") },
  { file: "src/persistence/planted-supervisor.ts", code: useType("../supervisor/api.js", "Caller") },
  { file: "src/persistence/planted-spool.ts", code: use("../spool/spool.js") },
  { file: "src/persistence/planted-disk.ts", code: use("node:fs") },
  { file: "src/rpc/methods/planted-store.ts", code: useType("../../persistence/store.js", "Store") },
  { file: "src/thoughts/planted-store.ts", code: useType("../persistence/store.js", "Store") },
  { file: "src/thoughts/planted-supervisor.ts", code: useType("../supervisor/api.js", "Caller") },
  { file: "src/persistence/planted-thoughts.ts", code: use("../thoughts/rules.js") },
  { file: "src/rpc/methods/planted-thoughts.ts", code: useType("../../thoughts/thinking.js", "ThinkingApi") },
  { file: "src/actors/planted-store.ts", code: useType("../persistence/store.js", "Store") },
  { file: "src/supervisor/planted-rpc.ts", code: use("../rpc/client.js") },
  { file: "src/supervisor/planted-pty.ts", code: load("node-pty") },
  { file: "src/supervisor/planted-pool.ts", code: use("piscina") },
  { file: "src/rpc/planted-actors.ts", code: useType("../actors/pool.js", "ActorPool") },
  { file: "src/rpc/planted-messages.ts", code: use("../actors/messages.js") },
  { file: "src/rpc/methods/planted-supervisor.ts", code: useType("../../supervisor/table.js", "Table") },
  { file: "src/rpc/planted-reaper.ts", code: use("../reaper/custody.js") },
  { file: "src/rpc/client-planted.ts", code: useType("../supervisor/api.js", "Caller") },
  { file: "src/cli/planted-server.ts", code: use("../rpc/server.js") },
  { file: "src/cli/verbs/planted-daemon.ts", code: use("../../daemon.js") },
  { file: "src/cli/planted-supervisor.ts", code: useType("../supervisor/api.js", "Caller") },
  { file: "src/cli/verbs/planted-mcp.ts", code: load("@modelcontextprotocol/sdk/types.js") },
  { file: "src/cli/mcp/planted-server.ts", code: use("../../rpc/server.js") },
  { file: "src/rpc/planted-mcp.ts", code: use("@modelcontextprotocol/sdk/types.js") },
  { file: "src/cli/planted-libc.ts", code: use("../libc/sockets.js") },
  { file: "src/planted-builtin.ts", code: use("fs"), rule: "unicorn(prefer-node-protocol)" },
  {
    file: "src/planted-type.ts",
    code: `import { Clock } from "./clock.js";\nexport type Seen = Clock;\n`,
    rule: "typescript(consistent-type-imports)",
  },
  { file: "src/planted-floating.ts", code: `async function work(): Promise<void> {}\nwork();\n`, rule: "typescript(no-floating-promises)" },
  {
    file: "src/planted-misused.ts",
    code: `export function go(): void {\n  [1].forEach(async () => {});\n}\n`,
    rule: "typescript(no-misused-promises)",
  },
  {
    file: "src/planted-switch.ts",
    code: `export function go(kind: "a" | "b"): void {\n  switch (kind) {\n    case "a":\n      return;\n  }\n}\n`,
    rule: "typescript(switch-exhaustiveness-check)",
  },
  {
    file: "src/planted-cycle-one.ts",
    code: `import { two } from "./planted-cycle-two.js";\nexport const one = (): number => two();\n`,
    rule: "import(no-cycle)",
  },
  {
    file: "src/planted-cycle-two.ts",
    code: `import { one } from "./planted-cycle-one.js";\nexport const two = (): number => one();\n`,
    rule: "import(no-cycle)",
  },
];

const allowed: Plant[] = [
  { file: "src/libc/allowed.ts", code: use("koffi") },
  { file: "src/spool/allowed.ts", code: use("../libc/sockets.js") },
  { file: "src/actors/allowed.ts", code: use("../errors.js") + load("comlink").replace("seen", "comlink") },
  { file: "src/tmux/allowed.ts", code: use("../libc/sockets.js") },
  { file: "src/actors/allowed-tmux.ts", code: use("../tmux/seed.js") },
  { file: "src/supervisor/allowed-tmux.ts", code: use("../tmux/server.js") },
  { file: "src/profiles/allowed.ts", code: use("../errors.js") },
  { file: "src/actors/allowed-profiles.ts", code: use("../profiles/profile.js") },
  { file: "src/cli/verbs/allowed-profiles.ts", code: use("../../profiles/load.js") },
  { file: "src/reaper/keeper/allowed.ts", code: load("node-pty") },
  { file: "src/thoughts/allowed.ts", code: use("../config.js") },
  { file: "src/supervisor/allowed-thoughts.ts", code: use("../thoughts/rules.js") },
  { file: "src/supervisor/allowed.ts", code: use("../actors/messages.js") },
  { file: "src/rpc/methods/allowed.ts", code: useType("../../supervisor/api.js", "Caller") },
  { file: "src/rpc/methods/allowed-too.ts", code: useType("../../actors/messages.js", "Screen") },
  { file: "src/cli/mcp/allowed.ts", code: use("@modelcontextprotocol/sdk/types.js") },
  { file: "src/cli/verbs/allowed.ts", code: use("../../rpc/client.js") },
];

interface Diagnostic {
  code: string;
  filename: string;
  message: string;
}

/** What lint says of a tree; it speaks of at least one file, or throws. */
function lint(directory: string): Diagnostic[] {
  const run = spawnSync(join(root, "node_modules/.bin/oxlint"), ["-f", "json", "src"], {
    cwd: directory,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const report = JSON.parse(run.stdout) as { diagnostics: Diagnostic[]; number_of_files: number };
  expect(report.number_of_files).toBeGreaterThan(10);
  return report.diagnostics;
}

describe("lint", () => {
  let copy = "";
  let found: Diagnostic[] = [];
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), "lifeguard-house-"));
    for (const path of ["src", "tsconfig.json", ".oxlintrc.json", "package.json"])
      cpSync(join(root, path), join(copy, path), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    for (const { file, code } of [...forbidden, ...allowed]) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      writeFileSync(join(copy, file), code);
    }
    found = lint(copy);
  }, 60_000);
  afterAll(() => {
    rmSync(copy, { recursive: true, force: true });
  });

  it.each(forbidden)("refuses $file", ({ file, rule = RESTRICTED }) => {
    expect(found.filter((diagnostic) => diagnostic.filename === file).map((diagnostic) => diagnostic.code)).toContain(rule);
  });

  it.each(allowed)("lets $file be", ({ file }) => {
    expect(found.filter((diagnostic) => diagnostic.filename === file && diagnostic.code === RESTRICTED)).toEqual([]);
  });

  it("finds nothing in the tree as it is", () => {
    expect(lint(root).map(({ filename, code, message }) => `${filename}: ${code}: ${message}`)).toEqual([]);
  }, 60_000);
});

describe("package-lock.json", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as { packages: Record<string, { resolved?: string }> };

  it("is complete for other systems too (else: node scripts/complete-lock.mjs)", () => {
    expect(Object.keys(missingFrom(lock))).toEqual([]);
  });

  it("names no address of a registry", () => {
    expect(Object.keys(lock.packages).filter((path) => lock.packages[path]?.resolved !== undefined)).toEqual([]);
  });
});

describe("source files", () => {
  const files = ["src", "test", "scripts", "bench"]
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.m?[jt]s$/.test(entry.name))
        .map((entry) => relative(root, join(entry.parentPath, entry.name))),
    );
  const lines = (file: string): number => readFileSync(join(root, file), "utf8").split("\n").length - 1;

  it("are there", () => {
    expect(files.length).toBeGreaterThan(10);
  });

  it("have at most about 400 lines each", () => {
    expect(files.filter((file) => lines(file) > 420).map((file) => `${file}: ${lines(file)}`)).toEqual([]);
  });

  it("are named for what they are", () => {
    expect(
      files.filter(
        (file) => /^(utils?|helpers?|managers?|common|misc)\./.test(basename(file)) || /\/(utils?|helpers?|common|misc)\//.test(file),
      ),
    ).toEqual([]);
  });

  it("have their full counts from figures.ts, by which a run with the full counts knows them", () => {
    const tests = files.filter((file) => file.endsWith(".test.ts"));
    const counting = filesWithCounts(root, "test");
    const matching = (words: RegExp): string[] => tests.filter((file) => words.test(readFileSync(join(root, file), "utf8")));
    expect(matching(/env\["LIFEGUARD_FULL"\]/)).toEqual([]);
    expect(matching(/\bsample\(|\bFULL\b/)).toEqual(tests.filter((file) => counting.includes(file)));
    expect(counting.length).toBeGreaterThan(10);
  });

  it("do not name this machine or a registry", () => {
    const names = /registry\.npmjs|\/root\/|\/work\//;
    expect(
      ["package.json", "package-lock.json", ...files.filter((file) => file !== "test/unit/house.test.ts")].filter((file) =>
        names.test(readFileSync(join(root, file), "utf8")),
      ),
    ).toEqual([]);
  });
});
