/**
 * What every program here is told, and how it tells the rig: a line of JSON for each check, `{ check, note }` or
 * `{ check, error }`. After the last one the program ends by itself, or it has left something open.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';

/** How long a check may take. */
const patienceMs = 20_000;

/**
 * @typedef {object} Files paths of PEM files
 * @property {string} ca
 * @property {string} otherCa
 * @property {string} cert
 * @property {string} key
 * @property {string} clientCert
 * @property {string} clientKey
 */

/** @type {{ files: Files, own?: boolean, handfast?: boolean } & Record<string, any>} */
export const given = JSON.parse(process.argv[2] ?? '{}');

/** The same, read. */
export const pem = Object.fromEntries(
  Object.entries(given.files)
    .filter(([name]) => name !== 'folder')
    .map(([name, path]) => [name, readFileSync(path, 'utf8')]),
);

export const clientPair = { cert: pem.clientCert, key: pem.clientKey };

/** What programs that take a TLS of one's own (`given.own`) are given. */
export const ours = given.own && given.handfast ? await import('@handfast/tls/node') : tls;

/** A megabyte that does not compress, and is not the same twice. */
export const megabyte = Array.from({ length: 1 << 15 }, (_, index) =>
  ((index * 2_654_435_761) >>> 0).toString(16).padStart(32, 'x'),
).join('');
assert.equal(megabyte.length, 1 << 20);

/** @param {Record<string, () => Promise<unknown>>} table what is done, and how; the answer is a note. */
export async function checks(table) {
  for (const [check, run] of Object.entries(table)) {
    const late = new AbortController();
    try {
      const note = await Promise.race([
        run(),
        delay(patienceMs, undefined, { signal: late.signal }).then(() => {
          throw new Error(`not done after ${patienceMs / 1000} s`);
        }),
      ]);
      tell({ check, ...(typeof note === 'string' && { note }) });
    } catch (error) {
      tell({ check, error: inWords(error) });
    }
    late.abort();
  }
  tell({ done: true });
}

/** @param {object} news */
export function tell(news) {
  process.stdout.write(`${JSON.stringify(news)}\n`);
}

/**
 * What must be refused, and by which code, wherever the program has put that.
 * @param {string | RegExp} code
 * @param {Promise<unknown>} promise
 */
export async function refused(code, promise) {
  try {
    await promise;
  } catch (error) {
    const codes = codesOf(error);
    const found = codes.some((one) => (typeof code === 'string' ? one === code : code.test(one)));
    if (!found) throw new Error(`refused, but not by ${code}: ${inWords(error)}`);
    return;
  }
  throw new Error(`not refused, and ${code} was expected`);
}

export const wrongName = 'ERR_TLS_CERT_ALTNAME_INVALID';
/** The first where the server sends its own certificate alone, the second where it sends the root, too. */
export const untrusted = /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)$/;

/**
 * @param {unknown} error
 * @returns {string[]}
 */
function codesOf(error) {
  if (!(error instanceof Error)) return [];
  const { code, cause, errors = [] } = /** @type {any} */ (error);
  return [String(code ?? ''), error.message, ...[cause, ...errors].flatMap(codesOf)];
}

/** @param {unknown} error */
function inWords(error) {
  if (!(error instanceof Error)) return String(error);
  const codes = [...new Set(codesOf(error).filter((one) => one !== '' && one !== error.message))];
  return [...codes, error.stack].join('\n').slice(0, 3000);
}

/**
 * A promise of an event; `error` rejects it.
 * @param {import('node:events').EventEmitter} emitter
 * @param {string} event
 */
export function happens(emitter, event) {
  return new Promise((resolve, reject) => {
    emitter.once(event, resolve);
    emitter.once('error', reject);
  });
}
