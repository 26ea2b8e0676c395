/**
 * The thread that calls a token's module (`library.ts`): what blocks there blocks nothing else.
 *
 * @module
 */

import { parentPort, workerData } from 'node:worker_threads';
import { loadCryptoki } from './cryptoki.ts';
import { inWords } from './errors.ts';
import { type KeyDescription, Library, PinNeeded, type Target } from './library.ts';
import type { SignInput } from './mechanisms.ts';

export type Request = { readonly pin?: Uint8Array } & (
  | { readonly what: 'describe'; readonly id: number; readonly target: Target }
  | { readonly what: 'sign'; readonly id: number; readonly target: Target; readonly input: SignInput }
  | { readonly what: 'close'; readonly id: number }
  | { readonly what: 'end' }
);

export type Result =
  | { readonly what: 'description'; readonly description: KeyDescription }
  | { readonly what: 'signature'; readonly signature: Uint8Array }
  | { readonly what: 'done' }
  /** To be asked again, with the PIN of this token. */
  | { readonly what: 'pin'; readonly token: string }
  | {
      readonly what: 'error';
      readonly error: Readonly<Pick<ReturnType<typeof inWords>, 'code' | 'message' | 'hint' | 'returnValue'>>;
    };

export interface Reply {
  readonly number: number;
  /** Whether the module was initialized here. */
  readonly owned: boolean;
  readonly result: Result;
}

export interface ThreadOptions {
  readonly module: string;
  /** Whether a thread before this one has initialized the module, and ended by force. */
  readonly owned: boolean;
}

const { module, owned } = workerData as ThreadOptions;
let library: Library | undefined;

function answer(request: Request): Result {
  const pin = request.pin === undefined ? undefined : Buffer.from(request.pin).toString('utf8');
  request.pin?.fill(0);
  try {
    if (request.what === 'end') {
      library?.end();
      return { what: 'done' };
    }
    library ??= new Library(loadCryptoki(module), owned);
    switch (request.what) {
      case 'describe':
        return { what: 'description', description: library.describe(request.id, request.target, pin) };
      case 'sign':
        return { what: 'signature', signature: library.sign(request.id, request.target, request.input, pin) };
      case 'close':
        library.close(request.id);
        return { what: 'done' };
    }
  } catch (thrown) {
    if (thrown instanceof PinNeeded) return { what: 'pin', token: thrown.token };
    const { code, message, hint, returnValue } = inWords(thrown, 'use the token');
    return { what: 'error', error: { code, message, hint, returnValue } };
  }
}

parentPort?.on('message', ({ number, request }: { readonly number: number; readonly request: Request }) => {
  const result = answer(request);
  const reply: Reply = { number, owned: library?.owned ?? owned, result };
  parentPort?.postMessage(reply);
  if (request.what === 'end') parentPort?.close();
});
