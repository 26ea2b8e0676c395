/**
 * A ring of ticket keys in a file, shared by the processes of one machine: the workers of `node:cluster`, or two servers.
 * Whoever finds a key missing makes it; all others find it there one whole rotation before it is used.
 *
 * The file is JSON, has mode 0600, and is only ever replaced as a whole: written beside, then renamed over, so that no
 * reader sees half of it. To change the keys at once, delete it. What is in it and does not make sense stays as it is,
 * for somebody to look at.
 *
 * Writers take turns by a lock, a second file that is created exclusively. Renaming and reading again would do without,
 * and for the next key that would be enough; but where there is no key for the present, two processes would each seal
 * under their own for a moment, and the tickets of the one that was overwritten would open nowhere. A lock whose holder
 * died is broken after some seconds, and a holder that slept so long finds, before it writes, that it has lost it.
 *
 * The secrets pass through strings on their way, which cannot be wiped: the garbage collector's time is theirs.
 *
 * @module
 */

import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Bytes,
  type CryptoProvider,
  copyBytes,
  equalConstantTime,
  type MaybePromise,
  toHex,
} from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { TlsConfigError } from '../errors.ts';
import {
  checkRotation,
  keysAt,
  nameLength,
  type OwnKeyRing,
  type Rotation,
  sealingKey,
  secretLength,
  type TicketKey,
  wipeDropped,
} from '../session/key-ring.ts';
import { longestLifeMs } from '../session/session.ts';

export interface FileKeyRingOptions extends Rotation {
  /** The file. Its directory exists, and is writable for this process alone or for those who may have the keys. */
  readonly path: string;
  /** Default: `nodeProvider`. */
  readonly provider?: CryptoProvider;
  /**
   * Milliseconds for which the file is not looked at again, nor tried again after a failure: up to half of `rotateEvery`.
   * Default: 1 second, or that half.
   */
  readonly lookAgain?: number;
}

/**
 * What is wrong with a file of ticket keys: `damaged`, `mode` (others may read or write it), `owner` (it is somebody
 * else's), `locked` (another process holds the lock, and a key is needed now). The message says what to do; it never
 * quotes the file.
 */
export class TicketKeyFileError extends Error {
  override readonly name = 'TicketKeyFileError';
  readonly code: 'damaged' | 'mode' | 'owner' | 'locked';
  readonly path: string;

  constructor(code: TicketKeyFileError['code'], path: string, message: string) {
    super(`${path}: ${message}`);
    this.code = code;
    this.path = path;
  }
}

/** A lock is held for a few milliseconds. One this old is nobody's. */
const staleLockMs = 5_000;
const lockPollMs = 5;
const lockPolls = 200;
const mostBytes = 64 * 1024;
/** Their keys take a third of that. */
const format = 'handfast ticket keys 1';
/** Windows has no such modes, and no owners that are numbers. */
const posix: boolean = process.platform !== 'win32';

/**
 * A ring in a file. Keys that it has in memory are given at once; a promise is given when the file is looked at, which is
 * once in `lookAgain` at most. It rejects with a `TicketKeyFileError`, or with the error of the file system.
 *
 * @example
 * ```ts
 * const keys = ticketKeys({ provider, ring: fileKeyRing({ path: '/var/lib/app/ticket-keys.json' }), onError: log.warn });
 * ```
 * @throws TlsConfigError where a setting is out of range.
 */
export function fileKeyRing({ path, provider = nodeProvider, ...options }: FileKeyRingOptions): OwnKeyRing {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new TlsConfigError('path', 'it is no path of a file');
  }
  const rotation = checkRotation(options);
  const most = Math.floor(rotation.rotateEvery / 2);
  const { lookAgain = Math.min(1_000, most) } = options;
  if (!Number.isInteger(lookAgain) || lookAgain < 0 || lookAgain > most) {
    throw new TlsConfigError('lookAgain', `${lookAgain} is not a whole number of milliseconds from 0 to ${most}`);
  }
  return new FileKeyRing(new KeyFile(path, provider, rotation), lookAgain);
}

/** What a look at the file came to: good until it is looked at again. */
interface Look {
  /** The time that it was asked for. */
  readonly at: number;
  readonly keys: readonly TicketKey[];
  readonly failure?: { readonly error: unknown };
}

class FileKeyRing implements OwnKeyRing {
  readonly #file: KeyFile;
  readonly #lookAgain: number;
  #last: Look | undefined;
  /** One look at a time; it never rejects. */
  #looking: Promise<void> | undefined;
  #disposed = false;

  constructor(file: KeyFile, lookAgain: number) {
    this.#file = file;
    // With 0, those who ask in the same moment still share one look.
    this.#lookAgain = Math.max(1, lookAgain);
  }

  keys(now: number): MaybePromise<readonly TicketKey[]> {
    if (this.#disposed) throw new Error('the ring of ticket keys is disposed of');
    if (!Number.isFinite(now)) throw new RangeError(`${now} is no time in milliseconds`);
    return this.#fresh(now) ? this.#answer() : this.#wait(now);
  }

  dispose(): void {
    this.#disposed = true;
    // What is under way still has its keys, and forgets them itself.
    if (this.#looking === undefined) this.#file.forget();
  }

  async #wait(now: number): Promise<readonly TicketKey[]> {
    let looked = false;
    // Who waited for another's look may find that it was for another time: then it is their turn, once.
    while (!looked && !this.#disposed && !this.#fresh(now)) {
      if (this.#looking === undefined) {
        looked = true;
        this.#looking = this.#look(now);
      }
      await this.#looking;
    }
    if (this.#disposed) throw new Error('the ring of ticket keys is disposed of');
    return this.#answer();
  }

  /** Whether the last look will do. The clock may have been set back, or have gone on beyond a key. */
  #fresh(now: number): boolean {
    const last = this.#last;
    if (last === undefined || Math.abs(now - last.at) >= this.#lookAgain) return false;
    if (last.failure !== undefined) return true;
    return sealingKey(last.keys, now) !== undefined && last.keys.every(({ opensUntil }) => now < opensUntil);
  }

  #answer(): readonly TicketKey[] {
    if (this.#last?.failure) throw this.#last.failure.error;
    return this.#last?.keys ?? [];
  }

  async #look(now: number): Promise<void> {
    try {
      this.#last = { at: now, keys: await this.#file.keys(now) };
    } catch (error) {
      this.#last = { at: now, keys: [], failure: { error } };
    } finally {
      if (this.#disposed) this.#file.forget();
      this.#looking = undefined;
    }
  }
}

/** The file itself: read, checked, and replaced where a key is missing. One call at a time. */
class KeyFile {
  readonly #path: string;
  readonly #provider: CryptoProvider;
  readonly #rotation: Required<Rotation>;
  /** Those of the file whose time is not over. A key that stays in the file stays the same object, since it may be in use. */
  #held: readonly TicketKey[] = [];
  /** The state of the file that they are of; undefined: it is to be read. */
  #seen: string | undefined;

  constructor(path: string, provider: CryptoProvider, rotation: Required<Rotation>) {
    this.#path = path;
    this.#provider = provider;
    this.#rotation = rotation;
  }

  /** The keys of this moment, the one that begins last first. */
  async keys(now: number): Promise<readonly TicketKey[]> {
    // Whatever is wrong with the file: what is over is wiped.
    this.#hold(this.#held, now);
    await this.#read(now);
    const next = (Math.floor(now / this.#rotation.rotateEvery) + 1) * this.#rotation.rotateEvery;
    if (!sealingKey(this.#held, now) || !sealingKey(this.#held, next)) await this.#rotate(now);
    return this.#held;
  }

  forget(): void {
    wipeDropped(this.#held, []);
    this.#held = [];
    this.#seen = undefined;
  }

  /** Makes what is missing, unless another process does. */
  async #rotate(now: number): Promise<void> {
    for (let polls = 0; polls < lockPolls; polls++) {
      const lock = await takeLock(this.#lockPath);
      if (lock !== undefined) {
        try {
          return await this.#rotateUnder(lock, now);
        } finally {
          await releaseLock(this.#lockPath, lock);
        }
      }
      await this.#read(now);
      // The next key has a whole rotation to come; only the current one is worth waiting for.
      if (sealingKey(this.#held, now) !== undefined) return;
      await delay(lockPollMs);
    }
    throw this.#locked('another process holds the lock');
  }

  async #rotateUnder(lock: FileHandle, now: number): Promise<void> {
    // Another process may have been here since.
    await this.#read(now);
    const keys = keysAt(this.#held, now, this.#provider, this.#rotation);
    const made = keys.filter((key) => !this.#held.includes(key));
    if (made.length === 0) return;
    try {
      await this.#write(keys, lock);
    } catch (error) {
      wipeDropped(made, []);
      throw error;
    }
    this.#hold(keys, now);
    // The file has another state now: it is read once more at the next look.
    this.#seen = undefined;
  }

  /** Reads the file, if there is one and it has changed. */
  async #read(now: number): Promise<void> {
    let file: FileHandle;
    try {
      const status = await stat(this.#path, { bigint: true });
      if (stateOf(status) === this.#seen) return;
      this.#seen = undefined;
      // A pipe would keep us waiting.
      if (!status.isFile()) throw this.#damaged('it is no regular file');
      file = await open(this.#path, 'r');
    } catch (error) {
      ignoreMissing(error);
      this.#seen = undefined;
      this.#hold([], now);
      return;
    }
    try {
      const status = await file.stat({ bigint: true });
      this.#check(status);
      // It is replaced, never changed: all of it is as `status` says.
      this.#hold(this.#parse(await file.readFile('utf8')), now);
      this.#seen = stateOf(status);
    } finally {
      await file.close();
    }
  }

  /** These are the keys now: what was held and is not among them, and what is over, is wiped. */
  #hold(keys: readonly TicketKey[], now: number): void {
    const before = this.#held;
    const known = keys.map((key) => before.find((one) => sameKey(one, key)) ?? key);
    this.#held = known.filter(({ opensUntil }) => now < opensUntil).sort((a, b) => b.sealsFrom - a.sealsFrom);
    wipeDropped([...before, ...keys], this.#held);
  }

  #check({ mode, uid, size }: { readonly mode: bigint; readonly uid: bigint; readonly size: bigint }): void {
    if (posix && (mode & 0o077n) !== 0n) {
      const octal = (mode & 0o777n).toString(8).padStart(4, '0');
      const advice = `its mode is ${octal}, so others may have its keys: delete it, or chmod 600 if nobody has read it`;
      throw new TicketKeyFileError('mode', this.#path, advice);
    }
    const us = process.geteuid?.();
    if (us !== undefined && uid !== BigInt(us)) {
      const advice = `it belongs to user ${uid}, and this process is user ${us}: chown it, or use another path`;
      throw new TicketKeyFileError('owner', this.#path, advice);
    }
    if (size > mostBytes) throw this.#damaged(`it has ${size} bytes, where ${mostBytes} are the most`);
  }

  #parse(text: string): TicketKey[] {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      // Without its cause, which would quote the file.
      throw this.#damaged(text === '' ? 'it is empty' : 'it is not JSON');
    }
    if (!isRecord(parsed) || parsed.format !== format) throw this.#damaged(`its format is not "${format}"`);
    const list: unknown = parsed.keys;
    if (!Array.isArray(list)) throw this.#damaged('it has no list of keys');
    const keys = list.map((item: unknown, index) => {
      const key = keyOf(item);
      if (key === undefined) throw this.#damaged(`keys[${index}] is not a key`);
      return key;
    });
    if (new Set(keys.map(({ name }) => toHex(name))).size < keys.length) throw this.#damaged('two keys have one name');
    return keys;
  }

  #damaged(what: string): TicketKeyFileError {
    const advice = 'It was left as it is: restore it, or delete it to have new keys made';
    return new TicketKeyFileError('damaged', this.#path, `${what}. ${advice}`);
  }

  async #write(keys: readonly TicketKey[], lock: FileHandle): Promise<void> {
    const text = `${JSON.stringify({ format, keys: keys.map(itemOf) }, undefined, 2)}\n`;
    await this.#tidy();
    const beside = `${this.#path}.${toHex(this.#provider.random(8))}.tmp`;
    const file = await open(beside, 'wx', 0o600);
    try {
      try {
        await file.writeFile(text);
        // Before the rename: after a crash of the machine there is the old file or the new one, and none that is empty.
        await file.sync();
      } finally {
        await file.close();
      }
      if (!(await isStill(this.#lockPath, lock))) throw this.#locked('the lock was broken while this process slept');
      await rename(beside, this.#path);
    } catch (error) {
      await unlink(beside).catch(ignoreMissing);
      throw error;
    }
  }

  /** Under the lock, such a file is of a process that died while it wrote: its keys would outlive their time on the disk. */
  async #tidy(): Promise<void> {
    const directory = dirname(this.#path);
    const front = `${basename(this.#path)}.`;
    for (const name of await readdir(directory)) {
      if (!name.startsWith(front) || !/^[0-9a-f]{16}\.tmp$/.test(name.slice(front.length))) continue;
      await unlink(join(directory, name)).catch(ignoreMissing);
    }
  }

  get #lockPath(): string {
    return `${this.#path}.lock`;
  }

  #locked(why: string): TicketKeyFileError {
    return new TicketKeyFileError('locked', this.#path, `${why}; it is tried again`);
  }
}

/** The lock, held while the handle is open; undefined: another has it. */
async function takeLock(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  }
  try {
    const { mtimeMs } = await stat(path);
    // A lock from the future is of another clock, and nobody's either. By the system's clock, as file times are.
    if (Math.abs(Date.now() - mtimeMs) > staleLockMs) await unlink(path);
  } catch (error) {
    ignoreMissing(error);
  }
  return undefined;
}

/** Whether the lock's file is the one that we made: while its handle is open, no other file has its number. */
async function isStill(path: string, lock: FileHandle): Promise<boolean> {
  try {
    const [there, ours] = await Promise.all([stat(path, { bigint: true }), lock.stat({ bigint: true })]);
    return there.ino === ours.ino && there.dev === ours.dev;
  } catch (error) {
    ignoreMissing(error);
    return false;
  }
}

async function releaseLock(path: string, lock: FileHandle): Promise<void> {
  try {
    if (await isStill(path, lock)) await unlink(path).catch(ignoreMissing);
  } finally {
    await lock.close();
  }
}

/** A key as it stands in the file: names and secrets in base64, times in milliseconds since the epoch. */
function itemOf({ name, secret, sealsFrom, sealsUntil, opensUntil }: TicketKey): Record<string, string | number> {
  return { name: toBase64(name), secret: toBase64(secret), sealsFrom, sealsUntil, opensUntil };
}

function keyOf(item: unknown): TicketKey | undefined {
  if (!isRecord(item)) return undefined;
  const name = fromBase64(item.name, nameLength);
  const secret = fromBase64(item.secret, secretLength);
  const { sealsFrom, sealsUntil, opensUntil } = item;
  if (name === undefined || secret === undefined || secret.every((byte) => byte === 0)) return undefined;
  if (!isTime(sealsFrom) || !isTime(sealsUntil) || !isTime(opensUntil)) return undefined;
  if (!isWithin(sealsUntil - sealsFrom, 1, longestLifeMs)) return undefined;
  if (!isWithin(opensUntil - sealsUntil, 0, longestLifeMs)) return undefined;
  return { name, secret, sealsFrom, sealsUntil, opensUntil };
}

function sameKey(a: TicketKey, b: TicketKey): boolean {
  return (
    toHex(a.name) === toHex(b.name) &&
    equalConstantTime(a.secret, b.secret) &&
    a.sealsFrom === b.sealsFrom &&
    a.sealsUntil === b.sealsUntil &&
    a.opensUntil === b.opensUntil
  );
}

function toBase64(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** In memory of its own: a small Buffer lies in a pool with others. */
function fromBase64(text: unknown, length: number): Bytes | undefined {
  if (typeof text !== 'string') return undefined;
  const pooled = Buffer.from(text, 'base64');
  const bytes = copyBytes(pooled);
  const exact = pooled.length === length && pooled.toString('base64') === text;
  pooled.fill(0);
  return exact ? bytes : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

/** What changes when the file is replaced, written to, or has another mode. */
function stateOf(file: Record<'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>): string {
  return [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join();
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function ignoreMissing(error: unknown): void {
  if (!isCode(error, 'ENOENT')) throw error;
}
