/**
 * The logs of certificate transparency that a caller trusts: made one by one, or read from the JSON that Google and Apple
 * publish (`log_list.json`, version 3). Such a list is a matter of trust, like a store of CAs: where it comes from, and
 * that it is fresh, is the caller's to see to. None is built in.
 *
 * @module
 */

import { type Bytes, type CryptoProvider, equalBytes, type PublicKeyInfo } from '@handfast/crypto';
import { readable } from './certificate.ts';
import { decodeBase64 } from './der/pem.ts';
import { CertificateError, malformed } from './errors.ts';
import { parsePublicKey } from './keys.ts';
import { quote } from './text.ts';

/** What a list's keeper says of a log. */
export type CtLogState =
  /** Its word counts. */
  | { readonly kind: 'qualified' | 'usable' | 'readonly' }
  /** Its word counts for what it signed before. */
  | { readonly kind: 'retired'; readonly since: Date }
  /** Its word does not count: not yet, or no longer. */
  | { readonly kind: 'pending' | 'rejected' };

/** A log. */
export interface CtLog {
  /** SHA-256 of its SubjectPublicKeyInfo. */
  readonly id: Bytes;
  readonly key: PublicKeyInfo;
  /** For people. */
  readonly name: string;
  /** Who runs it: policies want several. */
  readonly operator: string;
  /** Who ran it before, each until when, oldest first. */
  readonly previousOperators: readonly { readonly name: string; readonly until: Date }[];
  readonly state: CtLogState;
  /** A log may take only certificates whose notAfter lies in an interval. Absent: any. */
  readonly expiry: { readonly from: Date; readonly before: Date } | undefined;
}

export interface CtLogOptions {
  readonly provider: Pick<CryptoProvider, 'digest'>;
  /** The log's SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly name: string;
  /** Unless set: the name. */
  readonly operator?: string | undefined;
  readonly previousOperators?: CtLog['previousOperators'] | undefined;
  /** `usable` unless set. */
  readonly state?: CtLogState | undefined;
  readonly expiry?: CtLog['expiry'] | undefined;
}

/**
 * A log from its key: one's own, or one of a list in another form.
 *
 * @throws CertificateError `malformed`, `unsupported_key`
 * @throws RangeError for a key that no log may have (RFC 6962 §2.1.4: P-256, or RSA of 2048 bits at least)
 *
 * @example
 * ```ts
 * const log = ctLog({ provider, spki, name: 'Our log', operator: 'Example' });
 * ```
 */
export function ctLog(options: CtLogOptions): CtLog {
  const { provider, spki, name, operator = name, previousOperators = [], state = { kind: 'usable' }, expiry } = options;
  const key = parsePublicKey(spki);
  if (key.type !== 'secp256r1' && !(key.type === 'rsa' && key.bits >= 2048)) {
    throw new RangeError(
      `log ${quote(name)} has a key of type ${key.type}, ${key.bits} bits: P-256 or RSA-2048 it must be`,
    );
  }
  return { id: provider.digest('sha256', key.spki), key, name, operator, previousOperators, state, expiry };
}

/** What a log list says. */
export interface CtLogList {
  /** When it was made. */
  readonly timestamp: Date;
  readonly logs: readonly CtLog[];
  /** Logs that were left out, and why: a key, or a state, that we do not know. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
}

/** Logs in one list: Google's, which has all that there ever were, has some 150. */
const maxLogs = 4096;

const what = 'log list';

/**
 * Reads a list of logs: the value of `log_list.json` in Google's and Apple's version 3, already parsed as JSON (and its
 * signature verified, where it has one). Logs with tiles are read as those without.
 *
 * @throws CertificateError `malformed` for a list of another form, its message with the field
 *
 * @example
 * ```ts
 * const { logs } = parseLogList(provider, JSON.parse(await readFile('log_list.json', 'utf8')));
 * ```
 */
export function parseLogList(provider: Pick<CryptoProvider, 'digest'>, json: unknown): CtLogList {
  const list = new Field(json, what);
  const timestamp = list.get('log_list_timestamp').date();
  const logs: CtLog[] = [];
  const skipped: { name: string; why: string }[] = [];
  for (const operator of list.get('operators').items()) {
    const operatorName = operator.get('name').text();
    for (const field of ['logs', 'tiled_logs']) {
      for (const log of operator.optional(field)?.items() ?? []) {
        if (logs.length + skipped.length === maxLogs) throw malformed(what, `more than ${maxLogs} logs`);
        const read = readLog(provider, log, operatorName);
        if ('why' in read) skipped.push(read);
        else logs.push(read);
      }
    }
  }
  return { timestamp, logs, skipped };
}

function readLog(
  provider: Pick<CryptoProvider, 'digest'>,
  field: Field,
  operator: string,
): CtLog | { readonly name: string; readonly why: string } {
  const id = field.get('log_id').bytes();
  const spki = field.get('key').bytes();
  const name = field.optional('description')?.text() ?? field.get('log_id').text();
  const interval = field.optional('temporal_interval');
  const expiry = interval && {
    from: interval.get('start_inclusive').date(),
    before: interval.get('end_exclusive').date(),
  };
  const previousOperators = (field.optional('previous_operators')?.items() ?? [])
    .map((previous) => ({ name: previous.get('name').text(), until: previous.get('end_time').date() }))
    .toSorted((a, b) => a.until.getTime() - b.until.getTime());
  const state = readState(field.optional('state'));
  if (state === undefined) return { name, why: 'its state is none that we know' };
  try {
    const log = ctLog({ provider, spki, name, operator, previousOperators, state, expiry });
    if (!equalBytes(log.id, id)) throw field.get('log_id').error('is not the hash of the key');
    return log;
  } catch (error) {
    const isKey =
      error instanceof RangeError || (error instanceof CertificateError && error.code === 'unsupported_key');
    if (!isKey) throw error;
    return { name, why: error.message };
  }
}

/** A log without a state, as test logs are listed, is one whose word does not count. */
function readState(field: Field | undefined): CtLogState | undefined {
  if (field === undefined) return undefined;
  const retired = field.optional('retired');
  if (retired !== undefined) return { kind: 'retired', since: retired.get('timestamp').date() };
  const kind = (['qualified', 'usable', 'readonly', 'pending', 'rejected'] as const).find(
    (candidate) => field.optional(candidate) !== undefined,
  );
  return kind && { kind };
}

/** A value of the JSON, with its place in it for messages. */
class Field {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#value = value;
    this.#path = path;
  }

  get(name: string): Field {
    const field = this.optional(name);
    if (field === undefined) throw malformed(what, `${this.#path} has no ${name}`);
    return field;
  }

  optional(name: string): Field | undefined {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.error('is no object');
    const descriptor = Object.getOwnPropertyDescriptor(value, name);
    return descriptor === undefined ? undefined : new Field(descriptor.value, `${this.#path}.${name}`);
  }

  items(): readonly Field[] {
    if (!Array.isArray(this.#value)) throw this.error('is no array');
    return this.#value.map((item: unknown, index) => new Field(item, `${this.#path}[${index}]`));
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.error('is no string');
    return this.#value;
  }

  bytes(): Bytes {
    const text = this.text();
    const bytes = readable(() => decodeBase64(text, this.#path));
    if (bytes === undefined) throw this.error('is no Base64');
    return bytes;
  }

  /** RFC 3339, in UTC. */
  date(): Date {
    const text = this.text();
    const date = new Date(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) ? text : Number.NaN);
    if (Number.isNaN(date.getTime())) throw this.error('is no time in UTC');
    return date;
  }

  error(why: string): CertificateError {
    return malformed(what, `${this.#path} ${why}`);
  }
}
