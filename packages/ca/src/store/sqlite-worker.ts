/**
 * The thread that holds SQLite's connections (`sqlite-connection.ts`).
 *
 * @module
 */

import { parentPort, workerData } from 'node:worker_threads';
import { answerer, type ConnectionOptions, type SqliteRequest } from './sqlite-connection.ts';

const answer = answerer(workerData as ConnectionOptions);

parentPort?.on('message', (requests: readonly SqliteRequest[]) => {
  parentPort?.postMessage(answer(requests));
  if (requests.some(({ what }) => what === 'close')) parentPort?.close();
});
