/**
 * `--record`: a connection as a file, in the format that its name ends with: JSON, pcapng, or a page that any browser shows.
 *
 * @module
 */

import { accessSync, constants, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { nodeProvider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { heardBy } from '@handfast/tls/live';
import { type KeptFormat, keepConnection, keptFormats, type PageParts, recorder } from '@handfast/viewer';
import { siteFolder } from '@handfast/viewer/site';
import { CliError, exitCodes, usageError } from './exit.ts';
import { reasonOf } from './options.ts';
import { readSite } from './view/site.ts';

/** As commander gives them. */
export interface RecordOptions {
  readonly record?: string;
  readonly recordSecrets?: boolean;
}

export interface RecordFile {
  /** The same listeners, and this one; what it alone asks for reaches it alone. */
  beside(others: Parameters<typeof heardBy>[1]): ReturnType<typeof heardBy>;
  /** Writes what was heard. Where nothing was, as nobody answered, there is no file. */
  write(): void;
}

/**
 * What can be wrong with the file is found before anything is sent.
 * @param site the built page, of which HTML is made
 */
export function recordFile(options: RecordOptions, target: string, site: URL = siteFolder()): RecordFile | undefined {
  const { record: path, recordSecrets: secrets = false } = options;
  if (path === undefined) {
    if (secrets) throw usageError('--record-secrets without --record', 'it says what goes into that file');
    return undefined;
  }
  const format = formatOf(path);
  const page = format === 'html' ? pageOf(site) : undefined;
  checkFolder(path);
  const recording = recorder({ target, program: 'handfast connect' });
  return {
    beside: (others) =>
      heardBy(
        {
          trace: recording.trace,
          traceDetails: { wire: true, ...(secrets && { plaintext: true }) },
          ...(secrets && { keyLog: recording.keyLog }),
        },
        others,
      ),
    write() {
      const made = recording.recording();
      if (made === undefined) return;
      const kept = { secrets, hashes: nodeProvider, ...(page && { page }) };
      writeWhole(path, keepConnection({ [made.role]: made }, format, kept), secrets);
    },
  };
}

function formatOf(path: string): KeptFormat {
  const ending = extname(path).slice(1).toLowerCase();
  const format = keptFormats.find((one) => one === ending);
  if (format !== undefined) return format;
  throw usageError(`--record ${quote(path)}: its name ends in no format`, 'name it .json, .pcapng or .html');
}

function pageOf(site: URL): PageParts {
  const files = readSite(site);
  const text = (name: string | undefined): string | undefined => files?.get(name ?? '')?.body.toString();
  const index = text('index.html') ?? '';
  const script = text(/<script [^>]*src="\.\/([^"]+)"/.exec(index)?.[1]);
  const style = text(/<link rel="stylesheet" [^>]*href="\.\/([^"]+)"/.exec(index)?.[1]);
  if (script !== undefined && style !== undefined) return { script, style };
  throw usageError(
    '--record to HTML needs the viewer’s page, which is not built here',
    'npm run viewer builds it; .json and .pcapng need nothing',
  );
}

function checkFolder(path: string): void {
  const cannot = (reason: string): CliError => usageError(`--record ${quote(path)} cannot be written: ${reason}`);
  let isFolder = false;
  try {
    accessSync(dirname(path), constants.W_OK);
    isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    throw cannot(reasonOf(error));
  }
  if (isFolder) throw cannot('it is a folder');
}

/** As a whole or not at all; with secrets for its owner alone. */
function writeWhole(path: string, content: Uint8Array, secrets: boolean): void {
  const aside = `${path}.${process.pid}.part`;
  try {
    writeFileSync(aside, content, { flag: 'wx', mode: secrets ? 0o600 : 0o644 });
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw new CliError(exitCodes.failed, `--record ${quote(path)} cannot be written: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
