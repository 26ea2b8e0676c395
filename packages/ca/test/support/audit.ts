/**
 * What tests of other things ask of the audit log.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import type { AuditFault, Database } from '../../src/index.ts';
import { verifyAudit } from '../../src/index.ts';

/** What does not hold of the chains. */
export async function auditFaults(database: Database): Promise<readonly AuditFault[]> {
  return (await verifyAudit({ database, provider: nodeProvider, keys: [] })).faults;
}
