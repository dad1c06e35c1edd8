/**
 * How a libc function is bound, and how its failure is told. The folder has the calls that Node lacks, through koffi: every function
 * in it is one system call or a straight line of them; no policy.
 *
 * Two shapes of failure: a call whose failure is a fault throws {@link LibcError} with the call's name and errno; a call on a
 * hot path, where EAGAIN and EIO are ordinary answers, returns the count or `-errno`.
 */
import { getSystemErrorName } from "node:util";
import koffi from "koffi";

export const libc: ReturnType<typeof koffi.load> = koffi.load(null);

export type KoffiFunction = ReturnType<typeof libc.func>;

/** A libc call that failed. `code` is the errno's name (`ENOENT`), `syscall` the call. */
export class LibcError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
  constructor(syscall: string, errno: number) {
    const code = errnoName(errno);
    super(`${syscall}: ${code}`);
    this.name = "LibcError";
    this.errno = errno;
    this.code = code;
    this.syscall = syscall;
  }
}

export function errnoName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}

/** Binds on first use: some symbols exist on one platform only, and a missing one must not stop the process from loading. */
export function lazy(definition: string): (...args: unknown[]) => number {
  let bound: KoffiFunction | undefined;
  return (...args) => {
    bound ??= libc.func(definition);
    return Number(bound(...args));
  };
}

export function must(syscall: string, result: number): number {
  if (result < 0) throw new LibcError(syscall, koffi.errno());
  return result;
}
