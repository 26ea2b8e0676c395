/**
 * What a peer may do beside its messages: alerts, ChangeCipherSpecs, empty records; each read strictly, and counted where it
 * makes no progress.
 *
 * @module
 */

import { TlsError } from './errors.ts';
import { maxConsecutive } from './limits.ts';
import type { Content } from './record/layer.ts';
import { type AlertName, alertName } from './registry.ts';

/** Counts of one connection. */
export class Conduct {
  #emptyRecords = 0;
  #warnings = 0;
  #changeCipherSpecs = 0;

  /** Whether a ChangeCipherSpec has been dropped. */
  get droppedChangeCipherSpec(): boolean {
    return this.#changeCipherSpecs > 0;
  }

  emptyRecord(): void {
    if (++this.#emptyRecords > maxConsecutive.emptyRecords) {
      throw new TlsError('too_many_records', `more than ${maxConsecutive.emptyRecords} empty records in a row`);
    }
  }

  data(): void {
    this.#emptyRecords = 0;
  }

  /** An alert that leaves the connection standing. */
  warning(what: string): void {
    if (++this.#warnings > maxConsecutive.warnings) {
      throw new TlsError('too_many_alerts', `more than ${maxConsecutive.warnings} ${what}`);
    }
  }

  /** One that nothing waits for: TLS 1.3 lets it pass in a handshake (RFC 9846 §5). */
  droppedOne({ bytes, protected: isProtected }: Content, allowed: boolean): void {
    if (isProtected || !allowed || !isChangeCipherSpec(bytes)) {
      const why = isProtected
        ? 'a protected ChangeCipherSpec came'
        : allowed
          ? 'a ChangeCipherSpec other than 0x01 came'
          : 'a ChangeCipherSpec came where none was due';
      throw new TlsError('unexpected_message', why);
    }
    if (++this.#changeCipherSpecs > maxConsecutive.changeCipherSpecs) {
      throw new TlsError('too_many_records', `more than ${maxConsecutive.changeCipherSpecs} ChangeCipherSpec records`);
    }
  }
}

/** One that a flow waits for, before TLS 1.3. */
export function checkChangeCipherSpec({ bytes }: Content): void {
  if (!isChangeCipherSpec(bytes)) {
    throw new TlsError('illegal_parameter', 'a ChangeCipherSpec other than 0x01 came');
  }
}

function isChangeCipherSpec(bytes: Uint8Array): boolean {
  return bytes.length === 1 && bytes[0] === 1;
}

export interface Alert {
  /** 1: a warning. 2: the end. */
  readonly level: number;
  readonly alert: AlertName | `unknown (${number})`;
}

/** `struct { AlertLevel level; AlertDescription description; } Alert;` alone in its record. */
export function readAlert(bytes: Uint8Array): Alert {
  const [level, id] = bytes;
  if (level === undefined || id === undefined || bytes.length !== 2) {
    const code = bytes.length === 0 ? 'unexpected_message' : 'decode_error';
    throw new TlsError(code, `an alert record of ${bytes.length} bytes came: it must hold one alert of 2`);
  }
  return { level, alert: alertName(id) };
}
