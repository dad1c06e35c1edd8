/**
 * Which git repository a session works in: root, branch, and a colour by which people tell repositories apart. Only reads, and only
 * `.git` and `.lifeguard/colour`; git itself is not needed.
 */
import { hash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { Clock } from "../clock.js";
import type { SessionSummary } from "../session.js";
import type { EventLog, Subscription } from "./events.js";
import type { SessionTable } from "./table.js";

export type Repository = NonNullable<SessionSummary["repo"]>;

/** Within it an answer is given again: sessions of one directory change state together. */
const FRESH_MS = 2_000;
/** Directories whose answers are kept; more and the oldest go. */
const KEPT = 4_096;
/** A `.git` or HEAD is a line; more is not one of ours. */
const LINE_BYTES = 4_096;
/** After these a session may be in another directory, or on another branch. */
const KINDS = ["session.created", "session.adopted", "session.cwd", "session.state", "session.restarted"];

/**
 * The repository around a directory: the nearest one above it.
 * @returns null outside of one, and where it cannot be read
 */
export async function repositoryAround(directory: string): Promise<Repository | null> {
  if (!isAbsolute(directory)) return null;
  for (let root = directory; ; root = dirname(root)) {
    const metadata = await metadataOf(join(root, ".git"));
    if (metadata !== null) return { root, branch: await branchOf(metadata), colour: (await chosenColour(root)) ?? colourOf(root) };
    if (root === dirname(root)) return null;
  }
}

/** Where `.git` keeps its HEAD: in itself, or, for a worktree or submodule, where the file says. */
async function metadataOf(path: string): Promise<string | null> {
  try {
    if ((await stat(path)).isDirectory()) return path;
  } catch {
    return null;
  }
  const line = await firstLine(path);
  const target = /^gitdir: (.+)$/.exec(line ?? "")?.[1];
  return target === undefined ? null : resolve(dirname(path), target);
}

/** null for a detached HEAD. */
async function branchOf(metadata: string): Promise<string | null> {
  return /^ref: refs\/heads\/(.+)$/.exec((await firstLine(join(metadata, "HEAD"))) ?? "")?.[1] ?? null;
}

async function firstLine(path: string): Promise<string | null> {
  try {
    const info = await stat(path);
    if (!info.isFile() || info.size > LINE_BYTES) return null;
    return (await readFile(path, "utf8")).split("\n")[0]?.trim() ?? null;
  } catch {
    return null;
  }
}

async function chosenColour(root: string): Promise<string | null> {
  const line = await firstLine(join(root, ".lifeguard", "colour"));
  return line !== null && /^#[0-9a-f]{6}$/i.test(line) ? line.toLowerCase() : null;
}

/** The same for the same root, on every machine: a hue of its hash, light enough for a dark background and dark enough for a light one. */
export function colourOf(root: string): string {
  const hue = hash("sha256", root, "buffer").readUInt16BE(0) / 65_536;
  const channel = (shift: number): string => {
    const k = (shift + hue * 12) % 12;
    const value = 0.55 - 0.65 * 0.45 * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}

/** Keeps every live session's repository as it was at its last event. */
export class Repositories {
  readonly #table: SessionTable;
  readonly #clock: Clock;
  readonly #known = new Map<string, { at: number; repository: Promise<Repository | null> }>();
  readonly #subscription: Subscription;

  constructor(table: SessionTable, events: EventLog, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
    for (const { id } of table.entries()) this.#look(id);
    this.#subscription = events.subscribe(null, { kinds: KINDS }, ({ session }) => {
      if (session !== undefined) this.#look(session);
    });
  }

  stop(): void {
    this.#subscription.end();
  }

  #look(id: string): void {
    const entry = this.#table.find(id);
    if (entry === null || !entry.live) return;
    const { cwd } = entry;
    void this.#around(cwd).then((repository) => {
      if (entry.cwd === cwd) entry.repo = repository;
    });
  }

  #around(directory: string): Promise<Repository | null> {
    const now = this.#clock.monotonic();
    const known = this.#known.get(directory);
    if (known !== undefined && now - known.at < FRESH_MS) return known.repository;
    const repository = repositoryAround(directory).catch(() => null);
    this.#known.delete(directory);
    this.#known.set(directory, { at: now, repository });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= KEPT) break;
      this.#known.delete(oldest);
    }
    return repository;
  }
}
