/** Frames onto a terminal: only lines that changed are written, as one write between the marks of a held update. */
const CSI = "\u001b[";

export class Painter {
  #shown: string[] = [];

  /** The bytes that turn what is shown into `lines`; empty when nothing changed. */
  paint(lines: readonly string[]): string {
    let output = "";
    lines.forEach((line, index) => {
      if (this.#shown[index] !== line) output += `${CSI}${index + 1};1H${CSI}0m${line}${CSI}0m${CSI}K`;
    });
    if (this.#shown.length > lines.length) output += `${CSI}${lines.length + 1};1H${CSI}J`;
    this.#shown = [...lines];
    return output === "" ? "" : `${CSI}?2026h${output}${CSI}?2026l`;
  }

  /** Something else has drawn on the terminal, or its size changed: the next frame is drawn whole. */
  forget(): string {
    this.#shown = [];
    return `${CSI}0m${CSI}2J`;
  }
}
