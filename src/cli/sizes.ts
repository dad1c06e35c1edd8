/** Bytes as people read them: `512 B`, `1.4 KiB`, `16 MiB`. */
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export function briefBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1_023.5 && unit < UNITS.length - 1) {
    size /= 1_024;
    unit++;
  }
  return `${unit === 0 || size >= 9.95 ? size.toFixed(0) : size.toFixed(1)} ${UNITS[unit]}`;
}
