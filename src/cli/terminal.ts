/** The three streams of a verb, as an argument: a test hands in its own, and a reader that has gone ends the verb politely. */
import { readFile } from "node:fs/promises";
import type { ReadStream, WriteStream } from "node:tty";
import { fileTrouble } from "../errors.js";
import { UsageError } from "./verb.js";

export interface Terminal {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/** Columns of the terminal that reads our output; undefined when it is no terminal and nothing should be cut. */
export function outputColumns(terminal: Terminal): number | undefined {
  return terminal.stdout.isTTY ? terminal.stdout.columns : undefined;
}

/** The size of the terminal we run in, from whichever stream is one; undefined when none is. */
export function terminalSize(terminal: Terminal): { cols: number; rows: number } | undefined {
  for (const stream of [terminal.stdout, terminal.stderr]) {
    const tty: Partial<Pick<WriteStream, "columns" | "rows">> & { isTTY?: boolean } = stream;
    if (tty.isTTY === true && tty.columns !== undefined && tty.rows !== undefined && tty.columns > 1 && tty.rows > 0)
      return { cols: tty.columns, rows: tty.rows };
  }
  return undefined;
}

/** Writes, and resolves when the reader has room for more. A pipe that nobody reads holds the verb back instead of filling memory. */
export async function writePaced(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> {
  if (stream.destroyed || stream.write(data)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      stream.off("error", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
    stream.on("error", done);
  });
}

/** Everything of stdin, for a verb whose input is a file. */
export async function readAll(stdin: NodeJS.ReadStream | ReadStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as string));
  return Buffer.concat(chunks);
}

/** A file, or stdin for `-`, for a verb whose input it is. @throws UsageError when it cannot be read */
export async function readInput(file: string, stdin: NodeJS.ReadStream): Promise<Buffer> {
  if (file === "-") return await readAll(stdin);
  return await readFile(file).catch((error: unknown) => {
    throw new UsageError(`cannot read ${file}: ${fileTrouble(error)}`);
  });
}
