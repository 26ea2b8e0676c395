/**
 * What a server does for the audit log: a checkpoint every few minutes, and with `--audit-log` the audit stream in a file.
 *
 * @module
 */

import {
  type AuditCheckpoint,
  AuditStream,
  auditEventJson,
  checkpointAudit,
  checkpointJson,
  pruneAudit,
} from '@handfast/ca';
import type { Signer } from '@handfast/crypto';
import { dayMs } from '../authority.ts';
import { AuditFile } from './audit-file.ts';
import { auditSigner } from './audit-key.ts';
import type { OpenCa } from './open.ts';

export interface AuditServiceOptions {
  readonly ca: Pick<OpenCa, 'database' | 'paths' | 'config'>;
  /** Where the stream is written to; it goes nowhere unless set. */
  readonly file?: string | undefined;
  /** Gets checkpoints, for the log of what is told anyway. */
  readonly log: (checkpoint: AuditCheckpoint) => void;
  readonly error: (error: unknown) => void;
}

const sendMs = 1000;
const checkpointMs = 5 * 60_000;

export class AuditService {
  readonly #options: AuditServiceOptions;
  readonly #signer: Signer;
  readonly #file: AuditFile | undefined;
  readonly #stream: AuditStream | undefined;
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #reopen = (): void => void this.#inTurn(async () => this.#file?.reopen());
  #last: Promise<void> = Promise.resolve();
  #sending = false;
  #failing = false;

  /** @throws CliError where there is no audit key, or no file can be written */
  static async start(options: AuditServiceOptions): Promise<AuditService> {
    const signer = await auditSigner(options.ca.paths);
    return new AuditService(options, signer, options.file === undefined ? undefined : AuditFile.open(options.file));
  }

  constructor(options: AuditServiceOptions, signer: Signer, file: AuditFile | undefined) {
    this.#options = options;
    this.#signer = signer;
    this.#file = file;
    if (file !== undefined) {
      this.#stream = new AuditStream({
        database: options.ca.database,
        write: (events) => file.write(events.map(auditEventJson)),
        writeCheckpoint: (checkpoint) => file.write([checkpointJson(checkpoint)]),
      });
      // Who rotates logs renames the file, and says so.
      process.on('SIGHUP', this.#reopen);
    }
    this.#timers = [
      setInterval(() => this.#sendSoon(), sendMs),
      setInterval(() => void this.#inTurn(() => this.#checkpoint()), checkpointMs),
      setInterval(() => void this.#inTurn(() => this.#prune()), dayMs),
    ];
    void this.#inTurn(() => this.#prune());
  }

  /** Sends what is left, and covers it. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    process.off('SIGHUP', this.#reopen);
    for (const work of [() => this.#send(), () => this.#checkpoint(), () => this.#send()]) await this.#inTurn(work);
    this.#file?.close();
  }

  /** Where the database is slow, calls do not pile up. */
  #sendSoon(): void {
    if (this.#sending) return;
    this.#sending = true;
    void this.#inTurn(() => this.#send()).finally(() => {
      this.#sending = false;
    });
  }

  async #send(): Promise<void> {
    await this.#stream?.send();
  }

  async #checkpoint(): Promise<void> {
    await checkpointAudit({ database: this.#options.ca.database, signer: this.#signer, publish: this.#publish });
  }

  readonly #publish = (checkpoint: AuditCheckpoint): void => this.#options.log(checkpoint);

  async #prune(): Promise<void> {
    const { database, config } = this.#options.ca;
    if (config.auditKeptDays === undefined) return;
    const auditKeptMs = config.auditKeptDays * dayMs;
    await pruneAudit({ database, signer: this.#signer, publish: this.#publish, auditKeptMs });
  }

  /** One after the other; what fails is told once, until something goes well. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work).then(
      () => {
        this.#failing = false;
      },
      (error: unknown) => {
        if (!this.#failing) this.#options.error(error);
        this.#failing = true;
      },
    );
    return this.#last;
  }
}
