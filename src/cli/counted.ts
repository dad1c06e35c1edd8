/** `1 session`, `2 sessions`. */
export function counted(number: number, one: string, several: string = `${one}s`): string {
  return `${number} ${number === 1 ? one : several}`;
}
