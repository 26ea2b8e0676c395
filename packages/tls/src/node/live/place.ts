/**
 * Where `handfast view` listens for the connections of this machine, and whether what stands there is to be believed: a socket of the
 * user's own in a folder that nobody else can write.
 *
 * @module
 */

import { lstatSync, type Stats } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** On Windows, where sockets are named pipes, files say nothing of them. */
const isWindows: boolean = process.platform === 'win32';

/** The user's number; undefined on Windows. */
const ourUid: number | undefined = process.getuid?.();

/**
 * The path of the viewer's socket: `HANDFAST_VIEW_SOCKET`, or `handfast/view.sock` in the user's runtime folder
 * (`XDG_RUNTIME_DIR`, where it is the user's), or `handfast-<uid>/view.sock` in the folder for temporary files. On Windows a pipe
 * that has the user's name.
 */
export function viewerSocketPath(env: Environment = process.env): string {
  const { HANDFAST_VIEW_SOCKET: named, XDG_RUNTIME_DIR: runtime } = env;
  if (named) return named;
  if (isWindows) return `\\\\.\\pipe\\handfast-view-${userInfo().username}`;
  if (runtime && isFolderOfOurs(runtime)) return join(runtime, 'handfast', 'view.sock');
  return join(tmpdir(), `handfast-${ourUid}`, 'view.sock');
}

/** Whether a socket is there that only the user can have put there. Symbolic links are not followed. */
export function isViewerSocket(path: string, uid: number | undefined = ourUid): boolean {
  if (isWindows) return true;
  const socket = statsOf(path);
  return socket?.isSocket() === true && socket.uid === uid && isFolderOfOurs(dirname(path), uid);
}

/** Whether a folder is there, the user's, in which nobody else can put anything. */
export function isFolderOfOurs(path: string, uid: number | undefined = ourUid): boolean {
  if (isWindows) return true;
  const folder = statsOf(path);
  return folder?.isDirectory() === true && folder.uid === uid && (folder.mode & 0o022) === 0;
}

/** Undefined: there is nothing, or nothing that we may look at. */
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
