/**
 * The least that Node can do between a socket and a terminal, to measure against: no protocol, no spool, no screen.
 * `node relay.mjs SOCKET main|thread`: the terminal is read and written by the main thread, or by a worker behind a port.
 */
import { createServer } from "node:net";
import { ReadStream } from "node:tty";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { writeDescriptor } from "../../dist/libc/descriptors.js";
import { spawnOnTerminal } from "../../dist/libc/processes.js";
import { openPty } from "../../dist/libc/terminals.js";

function terminal(master, output) {
  const stream = new ReadStream(master);
  stream.on("data", output);
  stream.on("error", () => {});
  return (bytes) => void writeDescriptor(master, bytes);
}

if (isMainThread) {
  const [path, mode] = process.argv.slice(2);
  const { master, slavePath } = openPty(120, 40);
  const pid = spawnOnTerminal({ file: "/bin/cat", argv: ["cat"], env: [], cwd: "/", slavePath });
  let client = null;
  const output = (bytes) => client?.write(bytes);
  let write;
  if (mode === "thread") {
    const worker = new Worker(new URL(import.meta.url), { workerData: master });
    worker.on("message", output);
    write = (bytes) => worker.postMessage(bytes, []);
  } else {
    write = terminal(master, output);
  }
  createServer((socket) => {
    client = socket;
    socket.on("data", write);
    socket.on("error", () => {});
  }).listen(path, () => process.stdout.write("ready\n"));
  process.stdin.resume().on("end", () => {
    process.kill(pid, "SIGKILL");
    process.exit();
  });
} else {
  const write = terminal(workerData, (bytes) => parentPort.postMessage(bytes, []));
  parentPort.on("message", write);
}
