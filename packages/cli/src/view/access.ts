/**
 * Who may see the page: a browser of the person who has started the viewer. The address that is printed opens once; the browser that
 * opens it gets a cookie, and nothing without the cookie is answered. Other pages of the same browser, and names that were made to
 * point here, are kept out by what a browser says of a request.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { equalConstantTime, utf8 } from '@handfast/crypto';

/** Addresses that were printed and not opened yet, browsers that have opened one, and addresses that were: so many of each. */
const maxKept = 16;

export interface Refusal {
  readonly status: 400 | 403 | 405;
  readonly words: string;
}

export class Access {
  readonly #port: number;
  /** What another viewer on this machine calls its own is not ours: cookies know no ports. */
  readonly #cookie: string;
  #fresh: readonly string[] = [];
  #used: readonly string[] = [];
  #sessions: readonly string[] = [];

  constructor(port: number) {
    this.#port = port;
    this.#cookie = `handfast-view-${port}`;
  }

  /** An address that opens once. */
  address(): string {
    const token = secret();
    this.#fresh = newest([...this.#fresh, token]);
    return `http://127.0.0.1:${this.#port}/?token=${token}`;
  }

  /** The cookie for who opens an address; undefined: it is none of ours, or was opened before. */
  open(token: string): string | undefined {
    if (!isAmong(token, this.#fresh)) return undefined;
    this.#fresh = this.#fresh.filter((one) => one !== token);
    this.#used = newest([...this.#used, token]);
    const session = secret();
    this.#sessions = newest([...this.#sessions, session]);
    return `${this.#cookie}=${session}; HttpOnly; SameSite=Strict; Path=/`;
  }

  /** Whether an address was ours, and was opened already. */
  wasOpened(token: string): boolean {
    return isAmong(token, this.#used);
  }

  /** Whether a request has the cookie. */
  admits({ headers: { cookie = '' } }: IncomingMessage): boolean {
    return cookie.split(';').some((pair) => {
      const at = pair.indexOf('=');
      return pair.slice(0, at).trim() === this.#cookie && isAmong(pair.slice(at + 1).trim(), this.#sessions);
    });
  }

  /** Why a request is not looked at, whoever sends it. @param opens whether it brings a token: that may be followed from anywhere. */
  refusalOf({ method, url = '', headers, headersDistinct }: IncomingMessage, opens: boolean): Refusal | undefined {
    const { host, origin } = headers;
    if (host === undefined || headersDistinct.host?.length !== 1 || !this.#names.includes(host)) {
      return { status: 403, words: 'This is handfast view, and goes by the name of 127.0.0.1 or localhost alone.' };
    }
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, words: 'GET or HEAD, please.' };
    if (!url.startsWith('/')) return { status: 400, words: 'A path, please.' };
    const { 'sec-fetch-site': site = 'none' } = headers;
    const isOurs = opens || site === 'none' || site === 'same-origin';
    if ((origin !== undefined && origin !== `http://${host}`) || !isOurs) {
      return { status: 403, words: 'Another page has asked for this, and gets nothing.' };
    }
    return undefined;
  }

  get #names(): readonly string[] {
    const names = ['127.0.0.1', 'localhost'];
    // HTTP's own port goes unsaid.
    return [...names.map((name) => `${name}:${this.#port}`), ...(this.#port === 80 ? names : [])];
  }
}

function secret(): string {
  return randomBytes(32).toString('base64url');
}

function newest(all: readonly string[]): readonly string[] {
  return all.slice(-maxKept);
}

function isAmong(given: string, secrets: readonly string[]): boolean {
  let found = false;
  for (const one of secrets) found = equalConstantTime(utf8(given), utf8(one)) || found;
  return found;
}
