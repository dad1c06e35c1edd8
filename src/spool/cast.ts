/** Raw output as an asciicast v2 recording (https://docs.asciinema.org/manual/asciicast/v2/). */
import type { IndexRecord } from "./index-file.js";
import { Timeline } from "./timeline.js";

export interface CastHeader {
  /** The terminal's size where the first chunk begins. */
  cols: number;
  rows: number;
  title?: string;
  command?: string;
  env?: Record<string, string>;
}

/** Raw output and the offset of its first byte. */
export interface CastChunk {
  offset: number;
  data: Uint8Array;
}

/**
 * The lines of the recording, without line ends: the header, then `[seconds, "o", text]` and `[seconds, "r", "COLSxROWS"]`.
 * Seconds count from the first byte. Characters cut by a chunk's end are joined; what is no UTF-8 becomes U+FFFD.
 * @param chunks ascending; what is missing between two of them is left out
 * @param records of the spool's index, in the order they were made
 */
export function* castLines(header: CastHeader, chunks: Iterable<CastChunk>, records: readonly IndexRecord[]): Generator<string> {
  const timeline = new Timeline(records);
  const decoder = new TextDecoder("utf-8");
  // Where a chunk has to be cut: a new size, or output that came later than what precedes it in the same chunk.
  const cuts = records.filter((record) => record.kind === "size" || record.kind === "mark");
  let cut = 0;
  let start: number | null = null;
  let seconds = 0;
  let { cols, rows } = header;

  const secondsAt = (offset: number): number => {
    const at = timeline.timeAt(offset) ?? 0;
    start ??= at;
    seconds = Math.max(seconds, Math.round(at - start) / 1_000);
    return seconds;
  };
  const line = (code: string, data: string): string => JSON.stringify([seconds, code, data]);

  let began = false;
  for (const { offset, data } of chunks) {
    const end = offset + data.byteLength;
    if (!began) {
      began = true;
      const at = timeline.timeAt(offset);
      yield headerLine(header, at);
      secondsAt(offset);
      while ((cuts[cut]?.offset ?? Infinity) < offset) cut++;
    }
    let from = offset;
    while (from < end || cuts[cut]?.offset === from) {
      const next = cuts[cut];
      if (next !== undefined && next.offset <= from) {
        cut++;
        if (next.kind === "size" && (next.a !== cols || next.b !== rows)) {
          ({ a: cols, b: rows } = next);
          secondsAt(next.offset);
          yield line("r", `${next.a}x${next.b}`);
        }
        continue;
      }
      const to = Math.min(end, next?.offset ?? end);
      const text = decoder.decode(data.subarray(from - offset, to - offset), { stream: true });
      secondsAt(from);
      if (text !== "") yield line("o", text);
      from = to;
    }
  }
  const rest = decoder.decode();
  if (rest !== "") yield line("o", rest);
  if (!began) yield headerLine(header, null);
}

function headerLine(header: CastHeader, at: number | null): string {
  const { cols, rows, ...rest } = header;
  return JSON.stringify({ version: 2, width: cols, height: rows, ...(at === null ? {} : { timestamp: Math.floor(at / 1_000) }), ...rest });
}
