/** What has been started and not ended yet: a run that fails or is interrupted must leave nothing behind. */
export const running = new Set();

export async function endAll() {
  for (const subject of running)
    await subject.end().catch((error) => console.error(`bench: ${subject.name} could not be ended: ${error.message}`));
}
