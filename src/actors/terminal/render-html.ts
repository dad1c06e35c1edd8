/** A screen as one self-contained, escaped `<pre>`: styles inline, no script, links only to http, https, mailto and file addresses. */
import type { Look } from "./cells.js";
import { escapeMarkup, lookColours } from "./markup.js";
import { BACKGROUND, FOREGROUND, hex } from "./colours.js";
import type { VisibleLines } from "./render-lines.js";
import type { TerminalState } from "./state.js";

const FONT = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace";
const SAFE_LINK = /^(https?|mailto|file):/i;
const UNDERLINES = ["", "solid", "double", "wavy", "dotted", "dashed"];

export function renderHtml({ lines }: VisibleLines, state: TerminalState): string {
  const { colours } = state;
  const rows = lines.map(({ runs }) => {
    let row = "";
    for (const { look, cells, columns } of runs) {
      const style = styleOf(look, state);
      const escaped = look.invisible ? " ".repeat(columns) : cells.map(cellMarkup).join("");
      const span = style === "" ? escaped : `<span style="${style}">${escaped}</span>`;
      const uri = look.link === 0 ? undefined : state.links.get(look.link)?.uri;
      row +=
        uri !== undefined && SAFE_LINK.test(uri)
          ? `<a href="${escapeMarkup(uri)}" rel="noopener noreferrer" style="color:inherit">${span}</a>`
          : span;
    }
    return row;
  });
  const style = `background:${hex(colours.get(BACKGROUND))};color:${hex(colours.get(FOREGROUND))};font-family:${FONT};line-height:1.2;padding:1em;margin:0;overflow:auto`;
  return `<pre class="lifeguard-screen" style="${style}">${rows.join("\n")}</pre>`;
}

/** A wide character in a box of two columns: fonts seldom make it exactly as wide. */
function cellMarkup({ text, columns }: { text: string; columns: number }): string {
  return columns === 2 ? `<span style="display:inline-block;width:2ch">${escapeMarkup(text)}</span>` : escapeMarkup(text);
}

function styleOf(look: Look, { colours }: TerminalState): string {
  const { foreground, background } = lookColours(look, colours);
  const style: string[] = [];
  if (foreground !== null) style.push(`color:${hex(foreground)}`);
  if (background !== null) style.push(`background:${hex(background)}`);
  if (look.bold) style.push("font-weight:bold");
  if (look.italic) style.push("font-style:italic");
  const decorations = [look.underline === 0 ? "" : "underline", look.strike ? "line-through" : "", look.overline ? "overline" : ""].filter(
    (line) => line !== "",
  );
  if (decorations.length > 0) {
    style.push(`text-decoration:${decorations.join(" ")}${look.underline > 1 ? ` ${UNDERLINES[look.underline] ?? "solid"}` : ""}`);
    if (look.underlineColour !== 0) style.push(`text-decoration-color:${hex(colours.of(look.underlineColour, FOREGROUND))}`);
  }
  return style.join(";");
}
