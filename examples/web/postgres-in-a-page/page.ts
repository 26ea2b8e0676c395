/**
 * A page asks PostgreSQL itself: TLS from here to the server, with a private CA and a certificate of the page's own. The
 * bridge between them carries what it cannot read.
 *
 * @module
 */

import { fromWebSocket } from '@handfast/tls/web';
import { trustStore } from '@handfast/x509';
import { certifiedKey } from '../credential.ts';
import { database } from '../postgres.ts';
import { show, showError } from '../show.ts';
import ca from './ca.pem';

const username = 'certuser';
const sql = database(
  { username, database: 'postgres' },
  () => fromWebSocket(new WebSocket(`ws://${location.host}/to/database`)),
  { serverName: 'localhost', trust: trustStore(ca), credentials: [await certifiedKey(username)] },
);

try {
  const [row] = await sql`
    select upper(${'a secret from the page'}) as answer, version as tls, client_dn
    from pg_stat_ssl where pid = pg_backend_pid()`;
  show(row);
  await sql.end();
} catch (error) {
  showError(error);
}
