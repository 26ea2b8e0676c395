/**
 * OCSP responses beside the server's certificate (RFC 6066 §8, RFC 9846 §4.5.1.1): in a message of its own before
 * TLS 1.3, in Certificate since.
 *
 * @module
 */

import { type Case, type Direction, versionId } from '../cases.ts';
import type { Certificates, Family } from '../certificates.ts';
import { ourClient, ourServer } from '../handfast.ts';
import { openssl, sClient, withWords } from '../peers/openssl.ts';
import type { Peer } from '../peers/peer.ts';
import { type Cleanups, caseJob, failsWith, type Job } from '../run.ts';

export function staplingJobs(
  peer: Peer,
  direction: Direction,
  plain: readonly Case[],
  certificates: Certificates,
): readonly Job[] {
  return plain.flatMap((row) => {
    const job = (what: string, run: Job['run']): Job => {
      const { version } = row;
      return { peer, direction, version, id: `${versionId(row)}+${what}`, row: undefined, run };
    };
    if (direction === 'client') {
      if (peer !== openssl) return [];
      return [job('gets our staple', (cleanups) => showsOurStaple(row, certificates, cleanups))];
    }
    const staples = peer.server?.staples;
    const id = `${versionId(row)}+staples that its certificate is good`;
    const variation = { id, staple: (family: Family) => family.staple('good') };
    return [
      ...(staples === undefined ? [] : [caseJob(peer, direction, row, certificates, variation)]),
      ...(staples !== 'anything'
        ? []
        : [
            job('is refused, stapling that its certificate is revoked', (cleanups) =>
              refusesRevoked(peer, row, certificates, cleanups),
            ),
          ]),
    ];
  });
}

/** s_client says what it was given, and whether the root made it. */
async function showsOurStaple(row: Case, certificates: Certificates, cleanups: Cleanups): Promise<void> {
  const family = await certificates.family(row.scheme);
  const { der } = await family.staple('good');
  const server = await ourServer(row, family, { ocspResponse: der });
  cleanups.add(() => server.close());
  const task = { row, family, serverIdentity: family.server, versions: [row.version], port: server.port };
  const command = sClient(task, ['-status']);
  cleanups.add(() => command.kill());
  let said = '';
  command.child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1');
  });
  const talk = async (): Promise<void> => {
    const socket = await server.connection;
    command.child.stdin.end();
    socket.resume().on('end', () => socket.end());
    await command.exit;
    for (const words of ['OCSP Response Status: successful (0x0)', 'Cert Status: good']) {
      if (!said.includes(words))
        throw new Error(`s_client does not say ${JSON.stringify(words)}: ${said.slice(0, 400)}`);
    }
  };
  await withWords(command, talk());
}

async function refusesRevoked(peer: Peer, row: Case, certificates: Certificates, cleanups: Cleanups): Promise<void> {
  const family = await certificates.family(row.scheme);
  const { file } = await family.staple('revoked');
  const task = { row, family, serverIdentity: family.server, versions: [row.version], ocspFile: file };
  const run = await peer.server?.start(task);
  if (run === undefined) throw new Error(`${peer.name} is no server`);
  cleanups.add(() => run.stop());
  run.done.catch(() => undefined);
  await failsWith(ourClient(row, family, run.port), { tlsCode: 'certificate_revoked', origin: 'local' });
}
