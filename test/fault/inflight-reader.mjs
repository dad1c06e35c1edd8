/**
 * The reading process of inflight-kill9.test.ts: takes the masters it was given as fds 4, 5, … and reads each through its intake
 * until somebody kills it. argv: state directory, number of sessions.
 */
import { join } from "node:path";
import { ReadStream } from "node:tty";
import { InflightFile } from "../../dist/spool/inflight.js";
import { Intake } from "../../dist/spool/intake.js";

const [root, count] = process.argv.slice(2);
const inflight = InflightFile.open(join(root, "inflight"));
for (let n = 0; n < Number(count); n++) {
  const intake = Intake.open(join(root, `sess_${n + 1}`), inflight.slot(n), { bytes: 33_554_432, busyBytes: 33_554_432 });
  const onread = {
    buffer: intake.page,
    callback: (length) => {
      intake.commit(length);
      return true;
    },
  };
  new ReadStream(4 + n, { onread }).resume();
}
process.stdout.write("reading\n");
