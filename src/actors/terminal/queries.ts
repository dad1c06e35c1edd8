/**
 * Answers to what programs ask their terminal. Some start slowly or draw differently until they know, and a detached session has no
 * terminal to tell them. xterm itself answers DA1, DA2, DSR 5, DECRQM and the size in cells as VS Code's terminal does, which
 * programs know; its wrong or missing answers are here. Keyboard and colour queries are answered where that state lives.
 */
import { look, sgr } from "./cells.js";
import type { Engine } from "./engine-shapes.js";

/** Names asked for in one XTGETTCAP: vim asks for one at a time. At the bound the rest goes unanswered. */
const MOST_CAPABILITIES = 16;
const CAPABILITIES: Readonly<Record<string, string>> = {
  TN: "xterm-256color",
  name: "xterm-256color",
  Co: "256",
  colors: "256",
  RGB: "8/8/8",
};
const CURSOR_STYLES = { block: 2, underline: 4, bar: 6 } as const;

/** @param identity name and version as XTVERSION reports them, `lifeguard(1.2.3)` */
export function answerQueries(engine: Engine, identity: string, answer: (text: string) => void): void {
  const { core } = engine;
  engine.terminal.onData(answer);
  core.registerCsiHandler({ final: "n" }, ({ params }) => params[0] === 6 && report(`\x1b[${cursorPosition(engine)}R`));
  core.registerCsiHandler({ prefix: "?", final: "n" }, ({ params }) => params[0] === 6 && report(`\x1b[?${cursorPosition(engine)}R`));
  core.registerCsiHandler({ prefix: "=", final: "c" }, ({ params }) => params[0] === 0 && report("\x1bP!|00000000\x1b\\"));
  core.registerCsiHandler({ prefix: ">", final: "q" }, ({ params }) => params[0] === 0 && report(`\x1bP>|${identity}\x1b\\`));
  core.registerDcsHandler({ intermediates: "$", final: "q" }, (data) => report(statusString(engine, data)));
  core.registerDcsHandler({ intermediates: "+", final: "q" }, (data) => {
    for (const name of data.split(";").slice(0, MOST_CAPABILITIES)) answer(capability(name));
    return true;
  });

  function report(text: string): true {
    answer(text);
    return true;
  }
}

/** Row and column from 1; relative to the scroll region in origin mode; a pending wrap is still on the last column. */
function cursorPosition({ core }: Engine): string {
  const buffer = core._bufferService.buffers.active;
  const top = core.coreService.decPrivateModes.origin ? buffer.scrollTop : 0;
  return `${buffer.y - top + 1};${Math.min(buffer.x, core.cols - 1) + 1}`;
}

/** DECRQSS: a setting as the sequence that makes it. */
function statusString({ core, handler }: Engine, setting: string): string {
  const valid = (text: string): string => `\x1bP1$r${text}\x1b\\`;
  const buffer = core._bufferService.buffers.active;
  const modes = core.coreService.decPrivateModes;
  const { fg, bg, extended } = handler._curAttrData;
  const current = look(fg, bg, extended._ext, 0);
  switch (setting) {
    case "m":
      return valid(sgr(current).slice(2).replace(/^m$/, "0m"));
    case "r":
      return valid(`${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r`);
    case " q": {
      const style = CURSOR_STYLES[modes.cursorStyle ?? "block"];
      const blinks = modes.cursorBlink ?? core.optionsService.rawOptions.cursorBlink;
      return valid(`${style - (blinks ? 1 : 0)} q`);
    }
    case '"q':
      return valid(`${current.protected ? 1 : 0}"q`);
    case '"p':
      return valid('61;1"p');
    default:
      return "\x1bP0$r\x1b\\";
  }
}

/** One XTGETTCAP answer; names and values are in hexadecimal. */
function capability(encoded: string): string {
  const known = /^([0-9a-fA-F]{2})+$/.test(encoded) ? CAPABILITIES[Buffer.from(encoded, "hex").toString("latin1")] : undefined;
  if (known === undefined) return `\x1bP0+r${/^[0-9a-fA-F]{0,128}$/.test(encoded) ? encoded : ""}\x1b\\`;
  return `\x1bP1+r${encoded}=${Buffer.from(known, "latin1").toString("hex").toUpperCase()}\x1b\\`;
}
