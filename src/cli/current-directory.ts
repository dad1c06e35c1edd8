/** The directory lifeguard was called in, which may have been deleted under the shell that stands in it. */

export const DIRECTORY_GONE = "the directory you are in has been deleted";

/** Null when it has been deleted. */
export function currentDirectory(): string | null {
  try {
    return process.cwd();
  } catch (error) {
    if (isDirectoryGone(error)) return null;
    throw error;
  }
}

/** What `process.cwd()` throws there, and `resolve` of whatever is no absolute path. */
export function isDirectoryGone(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && code === "ENOENT" && syscall === "uv_cwd";
}
