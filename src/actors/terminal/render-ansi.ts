/** A screen as text with SGR and links only, line by line: for `cat` in any terminal. Each line ends in plain attributes. */
import { linkSequence, PLAIN, sameLook, sgr, type Look } from "./cells.js";
import type { VisibleLines } from "./render-lines.js";
import type { TerminalState } from "./state.js";

export function renderAnsi({ lines }: VisibleLines, { links }: TerminalState): string {
  const rows = lines.map(({ runs }) => {
    let row = "";
    let last: Look = PLAIN;
    for (const { look, text } of runs) {
      if (look.link !== last.link) row += linkSequence(links, look.link);
      if (!sameLook({ ...look, link: 0, protected: false }, { ...last, link: 0, protected: false })) row += sgr(look);
      row += text;
      last = look;
    }
    if (last.link !== 0) row += linkSequence(links, 0);
    return sameLook({ ...last, link: 0, protected: false }, PLAIN) ? row.replace(/ +$/, "") : `${row}\x1b[m`;
  });
  while (rows.length > 0 && rows.at(-1) === "") rows.pop();
  return rows.join("\n");
}
