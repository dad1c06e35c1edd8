/** A measure as a picture: for each case a bar a subject, each case to its own scale, because cases differ by orders of magnitude. */
import { shown } from "./report.mjs";

const COLOURS = { lifeguard: "#2f6fde", tmux: "#3d9a50", raw: "#8b8b8b", relay: "#8b8b8b" };
const OTHERS = ["#2f6fde", "#d0762b", "#3d9a50", "#8b8b8b"];
const LEFT = 300;
const WIDTH = 360;
const BAR = 13;
const GAP = 9;
const TOP = 48;

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

export function plot({ measure, figures }, what) {
  const subjects = [...new Set(figures.map(({ subject }) => subject))];
  const colour = (subject) => COLOURS[subject] ?? OTHERS[subjects.indexOf(subject) % OTHERS.length];
  const parts = [];
  let y = TOP;
  for (const name of new Set(figures.map((figure) => figure.case))) {
    const row = figures.filter((figure) => figure.case === name && Number.isFinite(figure.median));
    if (row.length === 0) continue;
    const most = Math.max(...row.map(({ median }) => Math.abs(median)), Number.MIN_VALUE);
    const middle = y + (row.length * BAR) / 2 + 4;
    parts.push(`<text x="${LEFT - 8}" y="${middle}" text-anchor="end">${escaped(name)}</text>`);
    for (const { subject, median, unit } of row) {
      const width = Math.max(1, (WIDTH * Math.abs(median)) / most).toFixed(1);
      parts.push(`<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR - 2}" fill="${colour(subject)}"/>`);
      parts.push(
        `<text x="${LEFT + Number(width) + 5}" y="${y + BAR - 4}" class="value">${escaped(`${shown(median)} ${unit}`.trim())}</text>`,
      );
      y += BAR;
    }
    y += GAP;
  }
  const legend = subjects
    .map(
      (subject, n) =>
        `<rect x="${LEFT + n * 110}" y="30" width="10" height="10" fill="${colour(subject)}"/><text x="${LEFT + n * 110 + 15}" y="39">${escaped(subject)}</text>`,
    )
    .join("");
  const width = LEFT + WIDTH + 110;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 4}" viewBox="0 0 ${width} ${y + 4}" font-family="sans-serif" font-size="11">\n` +
    `<style>text { fill: #333 } .value { font-size: 10px }</style>\n<rect width="100%" height="100%" fill="#fff"/>\n` +
    `<text x="8" y="18" font-size="13" font-weight="bold">${escaped(`${measure}: ${what}`)}</text>\n${legend}\n${parts.join("\n")}\n</svg>\n`
  );
}
