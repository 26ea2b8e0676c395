/**
 * The suite in a browser: in the page, and in a dedicated worker that has loaded this same module.
 *
 * @module
 */

import { open } from '../snippets/browser.ts';
import { type Report, report } from '../suite/index.ts';
import { type Outside, setOutside } from '../suite/outside.ts';

type Run = (outside: Outside, words: readonly string[]) => Promise<Report>;

declare global {
  /** Called by whoever drives the browser. */
  var suite: { readonly page: Run; readonly worker: Run };
}

const here: Run = (outside, words) => {
  setOutside(outside, ({ bridge }, ca) => open(bridge, ca));
  return report(words);
};

const inWorker: Run = (outside, words) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(import.meta.url, { type: 'module' });
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
    worker.onerror = (event) => reject(new Error(`the worker failed: ${event.message}`));
    worker.postMessage([outside, words]);
  });

if (typeof document === 'object') {
  globalThis.suite = { page: here, worker: inWorker };
} else {
  globalThis.onmessage = async ({ data }: MessageEvent<Parameters<Run>>) => globalThis.postMessage(await here(...data));
}
