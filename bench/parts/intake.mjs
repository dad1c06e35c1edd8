/** What taking one chunk of output costs: page → spool → clean page. Prints MB/s and µs a chunk. `npm run build` first. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InflightFile } from "../../dist/spool/inflight.js";
import { Intake } from "../../dist/spool/intake.js";

const CHUNK_BYTES = 4_096;
const CHUNKS = 50_000;

const root = mkdtempSync(join(tmpdir(), "lifeguard-bench-"));
try {
  const directory = join(root, "sess_1");
  mkdirSync(directory);
  const intake = Intake.open(directory, InflightFile.open(join(root, "inflight")).slot(0), { bytes: 1_048_576, busyBytes: 4_194_304 });
  const times = [];
  for (let i = 0; i < CHUNKS; i++) {
    intake.page.fill(65, 0, CHUNK_BYTES);
    const before = performance.now();
    intake.commit(CHUNK_BYTES);
    times.push(performance.now() - before);
  }
  const total = times.reduce((sum, ms) => sum + ms, 0);
  times.sort((a, b) => a - b);
  const at = (part) => (times[Math.floor(part * CHUNKS)] * 1_000).toFixed(1);
  console.log(
    `intake: ${((CHUNKS * CHUNK_BYTES) / 1_000 / total).toFixed(0)} MB/s in chunks of ${CHUNK_BYTES}; µs a chunk p50 ${at(0.5)}, p99 ${at(0.99)}, worst ${at(0.99999)}`,
  );
  intake.close();
} finally {
  rmSync(root, { recursive: true });
}
