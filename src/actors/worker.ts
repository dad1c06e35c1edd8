/** Entry of an actor thread: connects the wires. Piscina loads it, calls its default export for each task, and replaces a thread that dies. */
import { MessageChannel, parentPort, threadId, workerData } from "node:worker_threads";
import { expose } from "comlink";
import { InflightFile } from "../spool/inflight.js";
import { PackedPort, keepErrorsWhole } from "./endpoint.js";
import type { Rendered, ThreadHello, ThreadStart, ThreadTask } from "./messages.js";
import { Precedence } from "./precedence.js";
import { ThreadHost } from "./thread.js";

if (parentPort === null) throw new Error("worker.ts runs in an actor thread only");
keepErrorsWhole();

const { inflightPath, precedence } = workerData as ThreadStart;
const { port1: ours, port2: theirs } = new MessageChannel();
const port = new PackedPort(ours, () => {});
const suspect = new SharedArrayBuffer(8);
const host = new ThreadHost(
  InflightFile.open(inflightPath),
  new Float64Array(suspect),
  new Precedence(precedence, () => port.hearWaiting()),
  (event) => port.post(event),
);
expose(host, port.calls);
// Also emitted for an error that nobody caught.
process.once("exit", () => host.stopReading());
port.answer((method, args) => host.withEachKey(method, args));
const hello: ThreadHello = { lifeguardThread: threadId, port: theirs, suspect };
parentPort.postMessage(hello, [theirs]);

export default async function run(task: ThreadTask): Promise<Rendered | void> {
  if (task.kind === "render") return await host.render(task.render);
  return await host.run(task);
}
