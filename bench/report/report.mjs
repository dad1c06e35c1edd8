/** Collects samples, makes medians and ratios of them, and prints them as a table. */
import { median } from "../statistics.mjs";

export class Report {
  #samples = new Map();
  #ratios = [];
  #notes = [];

  constructor(measure) {
    this.measure = measure;
  }

  /** @param less true where less is better */
  sample({ case: name, subject, unit, value, less = false }) {
    const key = `${name}\0${subject}`;
    if (!this.#samples.has(key)) this.#samples.set(key, { case: name, subject, unit, less, values: [] });
    this.#samples.get(key).values.push(value);
  }

  /** Of medians, within one case. */
  ratio({ case: name, of, to }) {
    this.#ratios.push({ case: name, of, to });
  }

  note(text) {
    this.#notes.push(text);
  }

  /** Plain data: what --json writes and the baseline holds. */
  result() {
    const figures = [...this.#samples.values()].map(({ values, ...rest }) => ({
      ...rest,
      median: median(values),
      lowest: Math.min(...values),
      highest: Math.max(...values),
      samples: values.length,
    }));
    const find = (name, subject) => figures.find((figure) => figure.case === name && figure.subject === subject);
    const ratios = this.#ratios.flatMap(({ case: name, of, to }) => {
      const [one, other] = [find(name, of), find(name, to)];
      return one === undefined || other === undefined ? [] : [{ case: name, of, to, less: one.less, value: one.median / other.median }];
    });
    return { measure: this.measure, figures, ratios, notes: this.#notes };
  }
}

/** For the progress: rounds count from 0, and the one before does not count. */
export const roundName = (round, rounds) => (round < 0 ? "to warm up" : `${round + 1}/${rounds}`);

export const shown = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2));

/** Rows of words, padded. */
export function columns(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((word, column) => (column === 0 ? word.padEnd(widths[column]) : word.padStart(widths[column])))
      .join("  ")
      .trimEnd(),
  );
}

export const table = (result) => columns(rows(result));

/** One row a case, one column a subject. */
export function rows({ figures, ratios }) {
  const subjects = [...new Set(figures.map(({ subject }) => subject))];
  const cases = [...new Set(figures.map((figure) => figure.case))];
  const all = [["", ...subjects, "unit", ...(ratios.length > 0 ? ["ratio"] : [])]];
  for (const name of cases) {
    const row = figures.filter((figure) => figure.case === name);
    const cells = subjects.map((subject) => {
      const figure = row.find((one) => one.subject === subject);
      return figure === undefined ? "–" : shown(figure.median);
    });
    const compared = ratios.filter((ratio) => ratio.case === name).map(({ to, value }) => `${shown(value)} × ${to}`);
    all.push([name, ...cells, row[0].unit, ...(ratios.length > 0 ? [compared.join(", ")] : [])]);
  }
  return all;
}
