/**
 * A process that, once it is told to, issues until it is killed. It tells of each certificate when it has it, as whoever hands it out would:
 * a line on its output, `<serial> <SHA-256 of the certificate>`. Some it revokes, some of its lists it tells of, too.
 *
 * Arguments: the database's file, and a file with the chain and the signer's key.
 *
 * @module
 */

import { once } from 'node:events';
import { readFileSync, writeSync } from 'node:fs';
import { toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { parseCertificates, parseCrl, parsePrivateKey } from '@handfast/x509';
import { openAuthority } from '../../src/open.ts';
import { openSqlite } from '../../src/store/sqlite.ts';

// Started ahead, it waits for a word; where there is none, it goes.
const [go] = await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end')]);
if (go === undefined) process.exit(0);
process.stdin.destroy();

const [databaseFile = '', issuerFile = ''] = process.argv.slice(2);
const { chain, key } = JSON.parse(readFileSync(issuerFile, 'utf8')) as { readonly chain: string; readonly key: string };
const authority = await openAuthority({
  database: await openSqlite(databaseFile),
  provider: nodeProvider,
  issuer: { chain: parseCertificates(chain), signer: await nodeProvider.importPrivateKey(parsePrivateKey(key)) },
  policy: { domains: ['example.test'] },
});
const { signer } = await nodeProvider.generateKeyPair('secp256r1');

/** At once, so that what was told was told. */
function tell(...words: readonly string[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

async function work(): Promise<never> {
  for (let round = 0; ; round++) {
    const request = { publicKey: signer.publicKey, names: ['a.example.test'], by: 'child' };
    const { certificate } = await authority.issue(request);
    tell('issued', certificate.serialNumberHex, toHex(nodeProvider.digest('sha256', certificate.raw)));
    if (round % 3 !== 2) continue;
    await authority.revoke({ serial: certificate.serialNumberHex, by: 'child' });
    tell('revoked', certificate.serialNumberHex);
    tell('crl', String(parseCrl(await authority.crl(authority.issuerId)).number));
  }
}

await Promise.all([work(), work(), work()]);
