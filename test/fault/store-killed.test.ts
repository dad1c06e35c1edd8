/**
 * A process that writes to the real store on a real disk is killed with SIGKILL at random moments, again and again on the same
 * directory. After each death the store opens, and what was acknowledged is there.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../../src/clock.js";
import { FileStore } from "../../src/persistence/file-store.js";
import { figure, sample, seeded } from "../support/figures.js";
import { checkLeaks } from "../support/leaks.js";
import { problemsOf } from "../support/store-ledger.js";
import type { Line } from "../support/store-ledger.js";
import { Heard, record } from "../support/stored.js";

checkLeaks();

/** In one file, as the daemon's code is: a writer that is killed in a moment should not spend it on loading. */
const programs = mkdtempSync(join(tmpdir(), "lg-writer-"));
const writer = join(programs, "store-writer.mjs");

beforeAll(() => {
  const source = fileURLToPath(new URL("../support/store-writer.mjs", import.meta.url));
  const rolldown = fileURLToPath(new URL("../../node_modules/rolldown/bin/cli.mjs", import.meta.url));
  const names = ["--entry-file-names", "[name].mjs", "--chunk-file-names", "[name].mjs"];
  execFileSync(process.execPath, [rolldown, source, "--platform", "node", "--dir", programs, ...names], {
    stdio: ["ignore", "ignore", "inherit"],
  });
});
afterAll(() => rmSync(programs, { recursive: true }));

/** Lives of one directory before the next is begun. */
const LIVES = 10;

it("loses nothing that was acknowledged to a SIGKILL", async () => {
  const kills = sample("kills of a writing process", 1_000, 25);
  const random = seeded("moments of the kills", 11);
  const totals = { asked: 0, acknowledged: 0, refused: 0, swept: 0, finished: 0 };
  for (let kill = 0; kill < kills;) {
    const root = mkdtempSync(join(tmpdir(), "lg-killed-"));
    const path = join(root, "lines");
    writeFileSync(path, "");
    for (let life = 0; life < LIVES && kill < kills; life++, kill++) {
      const child = spawn(
        process.execPath,
        [
          writer,
          join(root, "store"),
          path,
          String(Math.floor(random() * 2 ** 32)),
          String(life * 1_000_000),
          JSON.stringify(record("sess_1")),
        ],
        {
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      const exit = once(child, "exit");
      // One in five dies while it opens, if it has come so far.
      if (random() < 0.8)
        await Promise.race([once(child.stdout, "data"), exit.then(() => Promise.reject(new Error("the writer ended by itself")))]);
      await pause(random() ** 2 * 250);
      child.kill("SIGKILL");
      await exit;
      child.stdout.destroy();

      const text = readFileSync(path, "utf8");
      const lines = text
        .slice(0, text.lastIndexOf("\n") + 1)
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Line);
      const store = await FileStore.open({ directory: join(root, "store"), clock: systemClock, listener: new Heard() });
      expect(await problemsOf(store, lines, { crashed: true, powerCut: false, kept: 10 }), `kill ${kill}`).toEqual([]);
      expect((await store.verify()).damaged.filter(({ reason }) => !reason.includes("torn tail"))).toEqual([]);
      expect(store.recovery.unsupported).toEqual([]);
      expect(store.recovery.foreign).toEqual([]);
      totals.swept += store.recovery.temporaries_swept;
      totals.finished += store.recovery.removals_finished.length;
      await store.drain(1_000);
      await store.close();
      if (life === LIVES - 1 || kill === kills - 1) {
        totals.asked += lines.filter((line) => "begin" in line).length;
        totals.acknowledged += lines.filter((line) => "ack" in line).length;
        totals.refused += lines.filter((line) => "refused" in line).length;
      }
    }
    rmSync(root, { recursive: true });
  }
  figure("asked, acknowledged, refused", `${totals.asked}, ${totals.acknowledged}, ${totals.refused}`);
  figure("temporary files swept, removals finished", `${totals.swept}, ${totals.finished}`);
});
