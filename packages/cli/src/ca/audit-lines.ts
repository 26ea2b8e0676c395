/**
 * The audit stream as a file: lines that `ca serve --audit-log` wrote, read again.
 *
 * @module
 */

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type AuditCheckpoint, parseAuditLine } from '@handfast/ca';
import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';
import { reasonOf } from '../options.ts';

/** Lines of a file, however long it is. `option` names it in messages. */
export async function* linesOf(option: string, file: string): AsyncGenerator<string, void, undefined> {
  const input = createReadStream(file, 'utf8');
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw usageError(`${option} ${quote(file)} cannot be read: ${reasonOf(error)}`);
  } finally {
    input.destroy();
  }
}

/** The checkpoints in a file, whatever else is in it. @throws CliError where there is none */
export async function checkpointsIn(option: string, file: string): Promise<readonly AuditCheckpoint[]> {
  const found: AuditCheckpoint[] = [];
  for await (const line of linesOf(option, file)) {
    const parsed = parsedLine(line);
    if (parsed?.kind === 'checkpoint') found.push(parsed.checkpoint);
  }
  if (found.length > 0) return found;
  throw usageError(
    `${option} ${quote(file)} has no checkpoint in it`,
    'handfast ca audit checkpoint --json prints one; handfast ca serve --audit-log FILE writes them',
  );
}

/** A line that was torn says nothing. */
function parsedLine(line: string): ReturnType<typeof parseAuditLine> {
  try {
    return parseAuditLine(line);
  } catch {
    return undefined;
  }
}
