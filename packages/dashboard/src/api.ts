/** The server's API. Whatever it refuses is an `ApiError` in its words. */

import { me } from './state.ts';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(sentence(message));
    this.code = code;
    this.hint = hint && sentence(hint);
  }
}

type Query = Readonly<Record<string, string | undefined>>;

export function get<T>(path: string, query: Query = {}): Promise<T> {
  const given = Object.entries(query).filter((one): one is [string, string] => one[1] !== undefined && one[1] !== '');
  const search = new URLSearchParams(given).toString();
  return ask<T>('GET', search === '' ? path : `${path}?${search}`);
}

export function post<T>(path: string, body: object): Promise<T> {
  return ask<T>('POST', path, body);
}

export function remove<T>(path: string): Promise<T> {
  return ask<T>('DELETE', path);
}

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/admin/api/${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(method !== 'GET' && me.value && { 'x-csrf-token': me.value.csrf }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError('unreachable', 'The server does not answer.', 'Is handfast ca serve running?');
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as T;
  const { code, detail, hint } = (answer ?? {}) as { code?: string; detail?: string; hint?: string };
  // Who has not signed in yet stays where he is, and reads why.
  if (code === 'signed_out' && me.value !== undefined) me.value = null;
  throw new ApiError(code ?? 'unknown', detail ?? `The server answers ${response.status}`, hint);
}

function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
