/** Memory and blocks of files: shared maps, holes, giving freed heap back. */
import koffi from "koffi";
import { type KoffiFunction, lazy, libc, LibcError } from "./binding.js";

let c_mmap: KoffiFunction | undefined;
let c_malloc_trim: KoffiFunction | undefined;

/**
 * Maps `length` bytes of an open file from `offset` (a multiple of the system's page), shared: what is stored there outlives this
 * thread and this process. The file must be at least that long, with its blocks written (a hole on a full disk is SIGBUS).
 * Never unmapped.
 */
export function mapShared(fd: number, length: number, offset = 0): Buffer {
  c_mmap ??= libc.func("void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64 offset)");
  const address: unknown = c_mmap(null, length, 3, 1, fd, offset);
  if (address === null || koffi.address(address) === 0xffffffffffffffffn) throw new LibcError("mmap", koffi.errno());
  return Buffer.from(koffi.view(address, length));
}

const c_fallocate = lazy("int fallocate(int fd, int mode, int64 offset, int64 length)");
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

/** Gives a range of a file back to the disk; it reads as zeros then. False where the system or the file system cannot. */
export function punchHole(fd: number, offset: number, length: number): boolean {
  if (process.platform !== "linux") return false;
  return c_fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length) === 0;
}

/** Gives freed heap back to the system, on a thread of libuv's pool (30–40 ms); a no-op where libc has no malloc_trim. */
export async function trimHeap(): Promise<void> {
  if (process.platform !== "linux") return;
  try {
    c_malloc_trim ??= libc.func("int malloc_trim(size_t pad)");
  } catch {
    return;
  }
  const trim = c_malloc_trim;
  await new Promise<void>((resolve) => {
    trim.async(0, () => resolve());
  });
}
