/** `node drips.mjs FILE`: a file to standard output, one byte a write. */
import { readFileSync, writeSync } from "node:fs";

const bytes = readFileSync(process.argv[2]);
for (let at = 0; at < bytes.length; at++) {
  for (;;) {
    try {
      writeSync(1, bytes, at, 1);
      break;
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}
