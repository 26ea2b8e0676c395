/**
 * What callbacks and listeners of a program's own answer, and what they throw.
 *
 * @module
 */

import type { EventEmitter } from 'node:events';
import type { TlsError } from '../errors.ts';
import { coded } from './argument-errors.ts';

/** Answers a callback of the program's: an error, or what was asked for. */
export type Answer<T> = (error: Error | null | undefined, value?: T) => void;

/**
 * Asks, and waits for the answer. As in Node, a second answer in the same call is an error; one that comes later is passed by, as the
 * connection has gone on.
 */
export function answerOf<T>(ask: (answer: Answer<T>) => void): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let answers = 0;
    let asking = true;
    let answered: T | undefined;
    ask((error, value) => {
      answers++;
      if (answers > 1) reject(coded(new Error('Callback called multiple times'), 'ERR_MULTIPLE_CALLBACK'));
      else if (error) reject(error);
      else if (asking) answered = value;
      else resolve(value);
    });
    asking = false;
    if (answers > 0) resolve(answered);
  });
}

/** What a callback of the program's threw, or answered by: that is the error that is told, as it was made. */
export function errorOfCallback({ tlsCode, cause }: TlsError): Error | undefined {
  return tlsCode === 'callback_failed' && cause instanceof Error ? cause : undefined;
}

/** Calls what is the program's. What it throws is the process's to hear (`uncaughtException`), and the connection goes on. */
export function calmly<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return undefined;
  }
}

/** Emits an event, so. */
export function tell(emitter: EventEmitter, event: string, ...news: readonly unknown[]): void {
  calmly(() => emitter.emit(event, ...news));
}
