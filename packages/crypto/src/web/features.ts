/**
 * Which of WebCrypto's younger algorithms this runtime has: ML-KEM, ML-DSA, ChaCha20-Poly1305, X448, Ed448. Tried when one is
 * first used, and remembered; never told by the runtime's name. Where one is absent, noble stands in.
 *
 * @module
 */

import { copyBytes } from '../bytes.ts';
import type { KeyExchange, MaybePromise } from '../provider.ts';
import { isThenable } from '../settle.ts';
import { errorName } from './subtle.ts';

const known = new WeakMap<SubtleCrypto, Map<string, boolean>>();

/** Whether `crypto.subtle` makes keys of this algorithm; `usages` are all that such a key may have. */
export function has(algorithm: string, usages: readonly string[]): MaybePromise<boolean> {
  const found: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (found === undefined) return false;
  const answers = known.get(found) ?? new Map<string, boolean>();
  known.set(found, answers);
  // Answers are shared, promises are not: on workerd they belong to one request.
  return answers.get(algorithm) ?? trial(found, algorithm, usages, answers);
}

/** A group by WebCrypto where the runtime has it, else the other. */
export function nativeGroup(
  algorithm: string,
  usages: readonly string[],
  native: KeyExchange,
  other: KeyExchange,
): KeyExchange {
  const choose = <T>(work: (group: KeyExchange) => MaybePromise<T>): MaybePromise<T> => {
    const isNative = has(algorithm, usages);
    if (isThenable(isNative)) return isNative.then((yes) => work(yes ? native : other));
    return work(isNative ? native : other);
  };
  return {
    ...other,
    generate: () => choose((group) => group.generate()),
    encapsulate(clientShare) {
      const share = copyBytes(clientShare);
      return choose((group) => group.encapsulate(share));
    },
  };
}

async function trial(
  subtle: SubtleCrypto,
  algorithm: string,
  usages: readonly string[],
  answers: Map<string, boolean>,
): Promise<boolean> {
  try {
    // The library's types do not know every usage yet.
    await subtle.generateKey({ name: algorithm }, false, usages as KeyUsage[]);
    answers.set(algorithm, true);
    return true;
  } catch (error) {
    // An algorithm or a usage that is not known. Anything else may be another time: workerd makes no keys before a first request.
    if (/^(NotSupported|Type|Syntax)Error$/.test(errorName(error) ?? '')) answers.set(algorithm, false);
    return false;
  }
}
