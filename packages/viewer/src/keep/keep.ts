/**
 * A connection as a file, in one of three formats: JSON for programs and for the page, pcapng for Wireshark, HTML for anybody.
 *
 * @module
 */

import { type Bytes, type Cryptography, utf8 } from '@handfast/crypto';
import { type Recording, recordingLimits } from '@handfast/tls/recording';
import { CaptureError } from '../pcapng/blocks.ts';
import { writePcapng } from '../pcapng/write.ts';
import type { RecordedConnection, RecordedConnections } from '../recording/connections.ts';
import { intoPage, type PageParts } from './html.ts';
import { recordingsOf, withoutSecrets } from './secrets.ts';

export const keptFormats = ['html', 'pcapng', 'json'] as const;

export type KeptFormat = (typeof keptFormats)[number];

export interface KeepOptions {
  /** Whether the secrets and the data go along: whoever gets the file then reads all of the connection. Default: they do not. */
  readonly secrets?: boolean;
  /** For HTML: what the page is made of. */
  readonly page?: PageParts;
  /** For HTML, whose policy has hashes: any provider. */
  readonly hashes?: Pick<Cryptography, 'digest'>;
}

/**
 * @throws CaptureError for pcapng, where nobody recorded the bytes of the wire.
 * @throws TypeError for HTML without `page` and `hashes`.
 */
export function keepConnection(connection: RecordedConnection, format: KeptFormat, options: KeepOptions = {}): Bytes {
  const kept = options.secrets ? connection : withoutSecrets(connection);
  switch (format) {
    case 'json':
      return utf8(jsonOf(kept));
    case 'pcapng':
      return pcapngOf(kept);
    case 'html':
      if (!options.page || !options.hashes) throw new TypeError('HTML is made of a page, and of hashes');
      return utf8(intoPage(options.page, jsonOf(kept), options.hashes));
  }
}

/** Of JSON's events without their bytes, and of a packet's headers: about. */
const eventLength = 80;
const packetLength = 90;

/** How many bytes that file will have, about: they are counted, and the file is not made. */
export function aboutSize(connection: RecordedConnection, format: KeptFormat, options: KeepOptions = {}): number {
  const all = recordingsOf(options.secrets ? connection : withoutSecrets(connection));
  const keys = all.map(({ keyLog = [] }) => sum(keyLog.map(({ length }) => length)));
  if (format === 'pcapng') {
    const wire = (carrierOf(all)?.events ?? []).flatMap((event) => (event.type === 'wire' ? [event.bytes.length] : []));
    return Math.max(0, ...keys) + sum(wire.map((length) => packetLength + length * 0.8));
  }
  const { script = '', style = '' } = format === 'html' ? (options.page ?? {}) : {};
  const certificates = all.flatMap(({ peer }) => [
    ...(peer?.chain ?? []),
    ...(peer?.paths ?? []).flatMap((path) => path.certificates.map(({ certificate }) => certificate)),
  ]);
  const events = all.flatMap((one) => one.events.map((event) => ('bytes' in event ? event.bytes.length : 0)));
  return (
    script.length +
    style.length +
    sum(keys) +
    sum(certificates.map(({ length }) => length)) +
    sum(events) +
    events.length * eventLength
  );
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total + length, 0);
}

/** Without white space: what is recorded is bytes, most of it. */
function jsonOf(connection: RecordedConnection): string {
  const file: RecordedConnections = { format: 'handfast-recordings', version: 1, connections: [connection] };
  return JSON.stringify(file);
}

/** As one side saw it: the client, if it has recorded the bytes. The secrets are either's. */
function pcapngOf(connection: RecordedConnection): Bytes {
  const all = recordingsOf(connection);
  const recording = carrierOf(all);
  if (recording === undefined) throw new CaptureError(undefined, 'there is no recording');
  const keyLog = [...new Set(all.flatMap((one) => one.keyLog ?? []))].slice(0, recordingLimits.keyLogLines);
  return writePcapng({ ...recording, ...(keyLog.length > 0 && { keyLog }) });
}

function carrierOf(all: readonly Recording[]): Recording | undefined {
  return all.find(({ events }) => events.some(({ type }) => type === 'wire')) ?? all[0];
}
