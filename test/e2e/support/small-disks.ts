/**
 * Folders that even root cannot write to, or not much: file systems in memory that only the process and its children see
 * (a private mount namespace), gone with the process.
 */
import { spawnSync } from 'node:child_process';

/** `unshare` with what it takes here; ordinary users get a user namespace where the system allows it. */
const unshare = ['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];

export const fullDiskBytes = 16 * 1024;

export interface SmallDisks {
  /** Holds `fullDiskBytes`. */
  readonly full: string;
  readonly readOnly: string;
}

/** Whether this machine lets a process mount something for itself alone. */
export function canMountPrivately(): boolean {
  const [program = '', ...args] = unshare;
  return spawnSync(program, [...args, 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], { stdio: 'ignore' }).status === 0;
}

/** The command line that runs a command with the disks mounted. @param disks existing folders */
export function withSmallDisks({ full, readOnly }: SmallDisks, command: readonly string[]): string[] {
  const script = `mount -t tmpfs -o size=${fullDiskBytes} tmpfs "$1" && mount -t tmpfs -o ro tmpfs "$2" && shift 2 && exec "$@"`;
  return [...unshare, 'sh', '-c', script, 'sh', full, readOnly, ...command];
}

/** The command line that runs a command with a disk of so many bytes mounted. @param folder existing */
export function smallDiskCommand(folder: string, bytes: number, command: readonly string[]): string[] {
  const script = `mount -t tmpfs -o size=${bytes} tmpfs "$1" && shift && exec "$@"`;
  return [...unshare, 'sh', '-c', script, 'sh', folder, ...command];
}
