/**
 * The page's own script, as the worker that opens files: it reads them whole, and answers what is in them.
 *
 * @module
 */

import { webProvider as provider } from '@handfast/crypto/web';
import { OpenError, openFiles } from '@handfast/viewer';
import type { Answer } from './open.ts';

/** Files come as messages, and each is answered. */
export function answerFiles(): void {
  addEventListener('message', ({ data }: MessageEvent<readonly File[]>) => {
    void answer(data).then((said) => postMessage(said));
  });
}

async function answer(files: readonly File[]): Promise<Answer> {
  try {
    const read = await Promise.all(
      files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
    );
    return { opened: await openFiles(read, { provider }) };
  } catch (error) {
    if (error instanceof OpenError) return { refusal: { message: error.message, hint: error.hint } };
    return { refusal: { message: `it could not be read: ${error instanceof Error ? error.message : String(error)}` } };
  }
}
