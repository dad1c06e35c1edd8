/** `--import` of a daemon that is measured: how often it has asked the disk to be done, in the file LIFEGUARD_BENCH_FSYNCS names. */
import { closeSync, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { isMainThread } from "node:worker_threads";

const path = process.env.LIFEGUARD_BENCH_FSYNCS;
if (isMainThread && path !== undefined) {
  const probe = await open("/dev/null");
  const prototype = Object.getPrototypeOf(probe);
  await probe.close();
  const file = openSync(path, "w");
  let count = 0;
  for (const name of ["sync", "datasync"]) {
    const asked = prototype[name];
    prototype[name] = function sync(...args) {
      writeSync(file, String(++count), 0);
      return asked.apply(this, args);
    };
  }
  process.on("exit", () => closeSync(file));
}
