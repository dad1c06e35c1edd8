/** What bin/lifeguard runs for `hook claude` and `hook codex`. */
import { reportHook } from "./report.js";

process.on("uncaughtException", () => process.exit(0));
try {
  await reportHook(process.argv.slice(3), process.env);
} finally {
  process.exit(0);
}
