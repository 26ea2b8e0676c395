/**
 * `handfast ca audit verify`: whether the log of what was done is whole.
 *
 * @module
 */

import { type AuditCheckpoint, verifyAudit } from '@handfast/ca';
import { quote } from '@handfast/tls';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import { colorsFor, type Io } from '../io.ts';
import type { FolderOptions } from './folder.ts';
import { withCa } from './open.ts';
import { type OutputChoice, printJson, printLines } from './output.ts';

export interface AuditOptions extends FolderOptions, OutputChoice {
  readonly checkpoint?: string;
}

/** Exits with 1 where it is not. */
export async function verifyLog(options: AuditOptions, io: Io): Promise<ExitCode> {
  const checkpoint = options.checkpoint === undefined ? undefined : parseCheckpoint(options.checkpoint);
  const { last, broken } = await withCa(options, io, ({ database }) => verifyAudit(database, checkpoint));
  const upTo = last === undefined ? null : `${last.seq}:${last.hash}`;
  if (options.json === true) printJson({ whole: broken === undefined, checkpoint: upTo, broken: broken ?? null }, io);
  else {
    const { green, red } = colorsFor(io.stdout, io.env, options.color ?? true);
    printLines(
      broken === undefined
        ? [
            `${green('✓')} the audit log is whole: ${entriesText(last?.seq ?? 0)}, each sealed by the next`,
            '',
            `  --checkpoint ${upTo}`,
            '',
            'Keep that elsewhere and give it the next time: it shows whether the end was cut off since.',
          ]
        : [
            `${red('✗')} the audit log is broken at entry ${broken.seq}: ${broken.why}`,
            `  it holds up to ${upTo ?? 'nowhere'}`,
          ],
      io,
    );
  }
  return broken === undefined ? exitCodes.ok : exitCodes.failed;
}

/** `17:9f86d0…`, as it was printed. */
function parseCheckpoint(text: string): AuditCheckpoint {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw usageError(`--checkpoint ${quote(text)} is none`, 'it is what an earlier ca audit verify printed: 17:9f86d0…');
}

function entriesText(count: number): string {
  return count === 1 ? '1 entry' : `${count.toLocaleString('en-US')} entries`;
}
