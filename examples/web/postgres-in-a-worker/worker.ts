/**
 * A worker asks PostgreSQL over `cloudflare:sockets`: TLS is ours, and so a private CA and a client certificate will do.
 *
 * @module
 */

import { connect } from 'cloudflare:sockets';
import { webProvider as provider } from '@handfast/crypto/web';
import { TlsError } from '@handfast/tls';
import { parseCertificates, parsePrivateKey, trustStore } from '@handfast/x509';
import { database } from '../postgres.ts';
import ca from './ca.pem';
import certificate from './client.pem';

interface Environment {
  /** HOST:PORT. */
  readonly DATABASE: string;
  /** PEM, a secret. */
  readonly CLIENT_KEY: string;
}

const trust = trustStore(ca);
const chain = parseCertificates(certificate);

export default {
  async fetch(_request: Request, env: Environment): Promise<Response> {
    const signer = await provider.importPrivateKey(parsePrivateKey(env.CLIENT_KEY));
    const sql = database({ username: 'certuser', database: 'postgres' }, () => connect(env.DATABASE), {
      ...{ serverName: 'localhost', trust, credentials: [{ chain, signer }] },
    });
    try {
      const [row] = await sql`
        select upper(${'a secret from the worker'}) as answer, version as tls, client_dn
        from pg_stat_ssl where pid = pg_backend_pid()`;
      return Response.json(row);
    } catch (error) {
      const told = error instanceof TlsError ? `${error.code}: ${error.message}` : String(error);
      return Response.json({ error: told }, { status: 502 });
    } finally {
      await sql.end();
    }
  },
};
