/**
 * What a refusal looks like: the code is for programs, message and hint are for people, and `cause` has every path that
 * was tried.
 *
 * @module
 */

import { once } from 'node:events';
import { TlsError } from '@handfast/tls';
import { connect, createServer } from '@handfast/tls/node';
import { CertificateError } from '@handfast/x509';
import { exampleCa } from './support/certificates.ts';
import { onLoopback } from './support/loopback.ts';

const trusted = await exampleCa('The CA that we trust');
const other = await exampleCa('Another CA');

const server = createServer({ credentials: [await other.server('api.example')] });
server.on('tlsClientError', (error: TlsError) => console.log(`server: ${error.message}`));

const socket = connect({ ...(await onLoopback(server)), servername: 'api.example', trust: trusted.trust });
const [error]: unknown[] = await once(socket, 'error');

if (!(error instanceof TlsError)) throw error;
console.log(`client: ${error.message}`);
console.log(`        code ${error.tlsCode}, alert ${error.alert}, found by ${error.origin} in ${error.state}`);
console.log(`        hint: ${error.hint}`);
if (error.cause instanceof CertificateError)
  console.log(`        rule: ${error.cause.code}, ${error.cause.paths.length} path tried`);

server.close();
