import { LifeguardError } from "../errors.js";

/** @throws LifeguardError TIMEOUT when `promise` has not settled after `ms` */
export async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LifeguardError("TIMEOUT", `not done within ${ms} ms`, { deadline_ms: ms })), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
