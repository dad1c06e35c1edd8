/**
 * How many columns a character takes: Unicode 11 widths, as VS Code's terminal has them, plus the emoji assigned since (blocks that
 * are wide as a whole), because agents and every current terminal draw those two wide. A joined sequence (ZWJ, skin tone, flag) is
 * as wide as its parts; U+FE0F does not widen what it follows.
 *
 * Two bounds that stock providers lack. A cell takes at most {@link MOST_JOINED} combining marks: beyond that, or with nothing to
 * combine with, a mark takes a column of its own. Without them output can grow one cell without end, and step the cursor past
 * the margin.
 */
import { createRequire } from "node:module";
import type * as Addon from "@xterm/addon-unicode11";

/** Required for the same reason as in engine.ts. */
const addon = createRequire(import.meta.url)("@xterm/addon-unicode11") as typeof Addon;

type Width = 0 | 1 | 2;

interface Provider {
  readonly version: string;
  wcwidth(codepoint: number): Width;
  /** What xterm calls per character: (marks joined so far << 3 | width << 1 | joins the character before). */
  charProperties(codepoint: number, preceding: number): number;
}

/** Base and marks of the longest clusters in real text (Zalgo apart) stay far below. */
export const MOST_JOINED = 30;

const unicode11 = takeProvider();

/** Latin and Basic Multilingual Plane, looked up per printed character. */
const BASIC = new Uint8Array(0x1_0000);
for (let code = 0; code < BASIC.length; code++) BASIC[code] = unicode11.wcwidth(code);

const NARROW = 1 << 1;

export function columnsOf(codepoint: number): Width {
  if (codepoint < 0x1_0000) return BASIC[codepoint] as Width;
  if (codepoint >= 0x1_f6d5 && codepoint <= 0x1_faff && isNewerEmoji(codepoint)) return 2;
  return unicode11.wcwidth(codepoint);
}

export const widths: Provider = {
  version: "lifeguard-1",
  wcwidth: columnsOf,
  charProperties(codepoint: number, preceding: number): number {
    if (codepoint < 0x7f) return NARROW;
    const width = columnsOf(codepoint);
    if (width !== 0) return width << 1;
    const joined = preceding >> 3;
    const base = (preceding >> 1) & 3;
    if (base === 0 || joined >= MOST_JOINED) return NARROW;
    return ((joined + 1) << 3) | (base << 1) | 1;
  },
};

function isNewerEmoji(code: number): boolean {
  return (
    (code >= 0x1_f6d5 && code <= 0x1_f6d7) ||
    (code >= 0x1_f6dc && code <= 0x1_f6df) ||
    code === 0x1_f6fb ||
    code === 0x1_f6fc ||
    (code >= 0x1_f7e0 && code <= 0x1_f7f0) ||
    (code >= 0x1_f90c && code <= 0x1_f9ff && code !== 0x1_f93b && code !== 0x1_f946) ||
    code >= 0x1_fa70
  );
}

function takeProvider(): Provider {
  let provider: Provider | undefined;
  const registrar = { unicode: { register: (offered: Provider) => (provider = offered), versions: [], activeVersion: "" } };
  // It asks for a terminal of the browser package, of which it uses nothing but this.
  const activate = addon.Unicode11Addon.prototype.activate as (terminal: typeof registrar) => void;
  activate(registrar);
  if (provider === undefined) throw new Error("@xterm/addon-unicode11 registered no widths");
  return provider;
}
