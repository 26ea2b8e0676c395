/**
 * What is wrong with the disk or the database, and with nothing of the CA's own: it may be over in a while, and clients come again.
 *
 * @module
 */

/** Seconds after which clients come again. */
export const unavailableHeaders: Readonly<Record<string, string>> = { 'retry-after': '60' };

/** Of the system's, and of a connection that is lost. */
const codes: ReadonlySet<unknown> = new Set(['ERR_DATABASE_LOST', 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

/** SQLite's result codes: BUSY, LOCKED, READONLY, IOERR, FULL. */
const sqliteCodes: ReadonlySet<number> = new Set([5, 6, 8, 10, 13]);

/** PostgreSQL, appendix A: conflicts without end, no resources, locks and time-outs, and a server that only reads. */
const postgresCodes = /^(40001|40P01|53|55P03|57014|25006)/;

/** Whether what failed so may go well later. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const { code } = error;
  if (code === 'ERR_SQLITE_ERROR') {
    const result = 'errcode' in error ? Number(error.errcode) : Number.NaN;
    // Above the lowest byte stands what SQLite says besides.
    return sqliteCodes.has(result & 0xff);
  }
  return codes.has(code) || ('severity' in error && postgresCodes.test(String(code)));
}
