/**
 * Audit logs of several writers, their checkpoints, and what is proven of them.
 *
 * @module
 */

import type { TestContext } from 'node:test';
import type { Signer } from '@handfast/crypto';
import {
  type AuditCheckpoint,
  type AuditVerdict,
  appendAudit,
  checkpointAudit,
  type Database,
  migrate,
  openSqlite,
  verifyAudit,
} from '../../src/index.ts';
import { coreSchema } from '../../src/store/schema.ts';
import { Clock, nodeProvider } from '../support/authority.ts';

export const auditKey: Signer = (await nodeProvider.generateKeyPair('secp256r1')).signer;

export class Log {
  readonly database: Database;
  readonly clock: Clock = new Clock();

  constructor(database: Database) {
    this.database = database;
  }

  /** `count` entries of a writer: `a`, `b`, …; the database's own unless named. */
  append(count: number, writer: string = this.database.writer): Promise<void> {
    const entries = Array.from({ length: count }, (_, index) => ({
      actor: 'operator alice',
      action: 'look',
      subject: String(index + 1),
    }));
    return this.database.transaction((sql) =>
      appendAudit(
        { writer, all: (...given) => sql.all(...given), run: (...given) => sql.run(...given) },
        this.clock.read(),
        ...entries,
      ),
    );
  }

  checkpoint(signer: Signer = auditKey): Promise<readonly AuditCheckpoint[]> {
    return checkpointAudit({ database: this.database, signer, clock: this.clock.read });
  }

  verify(...known: readonly AuditCheckpoint[]): Promise<AuditVerdict> {
    return verifyAudit({ database: this.database, provider: nodeProvider, keys: [auditKey.publicKey], known });
  }

  /** What does not hold, in words: `a 3: it was changed`. */
  async faults(...known: readonly AuditCheckpoint[]): Promise<readonly string[]> {
    const { faults } = await this.verify(...known);
    return faults.map(({ writer, seq, why }) =>
      [writer, seq].every((part) => part === undefined) ? why : `${[writer, seq].filter(Boolean).join(' ')}: ${why}`,
    );
  }
}

export async function newLog(t: TestContext): Promise<Log> {
  const database = await openSqlite(':memory:');
  t.after(() => database.close());
  await migrate(database, [coreSchema]);
  return new Log(database);
}
