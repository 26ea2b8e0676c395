/**
 * Programs that verify the certificate of a server: those that are shown the file, and those that connect to the server that staples
 * (`stapling.ts`).
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { staplingPorts } from './stapling.ts';
import { expect, type Program, versionBy } from './verifier.ts';

const goProgram = fileURLToPath(new URL('../../../.cache/acme/go-verifier', import.meta.url));
const pythonProgram = fileURLToPath(new URL('connect.py', import.meta.url));

const openssl: Program = {
  name: 'OpenSSL',
  version: versionBy('openssl', 'version'),
  verifiers: [
    {
      column: 'OCSP',
      how: '`openssl ocsp`',
      refusal: /: revoked\n/,
      // Its answers are stapled below.
      async verify({ site, root, intermediate, ocspUrl, server, ocspAnswer }, standing) {
        const about = ['-issuer', intermediate, '-cert', server[standing].chain, '-no_nonce'];
        const how = ['-url', ocspUrl, '-CAfile', root, '-respout', ocspAnswer[standing]];
        expect(await site.run('openssl', ['ocsp', ...about, ...how]), /Response verify OK/, /: good\n/);
      },
    },
    {
      column: 'CRL',
      how: '`openssl verify -crl_check_all`',
      refusal: /certificate revoked/,
      async verify({ site, root, crls, server }, standing) {
        const how = ['-crl_check_all', '-CAfile', root, '-CRLfile', crls, '-untrusted', server[standing].chain];
        await site.run('openssl', ['verify', ...how, server[standing].chain]);
      },
    },
    {
      column: 'stapled OCSP',
      how: '`openssl s_client -status`',
      refusal: /Cert Status: revoked/,
      async verify({ site, root }, standing) {
        const where = [
          '-connect',
          `${standing}.ca.test:${staplingPorts[standing]}`,
          '-servername',
          `${standing}.ca.test`,
        ];
        const printed = await site.run('openssl', [
          's_client',
          '-status',
          '-CAfile',
          root,
          '-verify_return_error',
          ...where,
        ]);
        expect(printed, /OCSP Response Status: successful/, /Cert Status: good/, /Verify return code: 0/);
      },
    },
  ],
};

const gnutls: Program = {
  name: 'GnuTLS',
  version: versionBy('certtool', '--version'),
  verifiers: [
    {
      column: 'CRL',
      how: '`certtool --verify-crl`, `gnutls-cli --x509crlfile`',
      refusal: /revoked/,
      async verify({ site, issuers, intermediate, crls }, standing) {
        // This one takes the first list of the file, which is the intermediate's.
        const printed = await site.run('certtool', [
          '--verify-crl',
          '--load-ca-certificate',
          intermediate,
          '--infile',
          crls,
        ]);
        expect(printed, /Verified/);
        await gnutlsClient(site, standing, ['--no-ocsp', '--x509cafile', issuers, '--x509crlfile', crls]);
      },
    },
    {
      column: 'OCSP',
      how: '`ocsptool --ask`',
      refusal: /Certificate Status: revoked/,
      async verify({ site, intermediate, issuers, ocspUrl, server }, standing) {
        const about = ['--load-cert', server[standing].chain, '--load-issuer', intermediate, '--load-trust', issuers];
        const printed = await site.run('ocsptool', [`--ask=${ocspUrl}`, ...about]);
        expect(printed, /Certificate Status: good/, /Verifying OCSP Response: Success/);
      },
    },
    {
      column: 'stapled OCSP',
      how: '`gnutls-cli`',
      refusal: /revoked/,
      async verify({ site, root }, standing) {
        await gnutlsClient(site, standing, ['--x509cafile', root]);
      },
    },
  ],
};

async function gnutlsClient(
  site: Parameters<Program['verifiers'][number]['verify']>[0]['site'],
  standing: 'good' | 'revoked',
  how: readonly string[],
): Promise<void> {
  const where = ['--port', String(staplingPorts[standing]), `${standing}.ca.test`];
  expect(await site.run('gnutls-cli', [...how, ...where]), /Status: The certificate is trusted/);
}

const curl: Program = {
  name: 'curl',
  version: versionBy('curl', '--version'),
  verifiers: [
    {
      column: 'CRL',
      how: '`--crlfile`',
      refusal: /certificate revoked/,
      async verify({ site, root, crls }, standing) {
        const url = `https://${standing}.ca.test:${staplingPorts[standing]}/`;
        await site.run('curl', ['-sS', '--fail', '--cacert', root, '--crlfile', crls, url]);
      },
    },
    {
      column: 'stapled OCSP',
      how: '`--cert-status`',
      refusal: /revoked/,
      async verify({ site, root }, standing) {
        const url = `https://${standing}.ca.test:${staplingPorts[standing]}/`;
        await site.run('curl', ['-sS', '--fail', '--cacert', root, '--cert-status', url]);
      },
    },
  ],
};

const python: Program = {
  name: 'Python',
  version: versionBy('/usr/bin/python3', '--version'),
  verifiers: [
    {
      column: 'CRL',
      how: '`VERIFY_CRL_CHECK_LEAF`',
      refusal: /certificate revoked/,
      async verify({ site, root, crls }, standing) {
        const where = [`${standing}.ca.test`, String(staplingPorts[standing])];
        await site.run('/usr/bin/python3', [pythonProgram, ...where, root, crls]);
      },
    },
  ],
};

const go: Program = {
  name: 'Go',
  version: async () => '',
  verifiers: [
    {
      column: 'CRL',
      how: '`x509.ParseRevocationList`',
      refusal: /is revoked/,
      async verify({ site, root, intermediate, crls, server }, standing) {
        await site.run(goProgram, ['crl', root, intermediate, server[standing].chain, crls]);
      },
    },
    {
      column: 'OCSP',
      how: '`x/crypto/ocsp`',
      refusal: /is revoked/,
      async verify({ site, root, intermediate, ocspUrl, server }, standing) {
        await site.run(goProgram, ['ocsp', root, intermediate, server[standing].chain, ocspUrl]);
      },
    },
  ],
};

/** OpenSSL comes first: what it was answered is stapled. */
export const verifyingPrograms: readonly Program[] = [openssl, gnutls, curl, python, go];
