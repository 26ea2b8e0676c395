/**
 * Lines to copy for programs that have a trust of their own, or that run elsewhere.
 *
 * @module
 */

import { shellQuoted } from '../../shell.ts';
import type { Store } from './store.ts';

/** A program, and what makes it trust the root. */
export interface Snippet {
  readonly name: string;
  readonly lines: readonly string[];
  /** Whether the program does without once the system's store has the root. */
  readonly readsSystem: boolean;
  /** The one that is filled without these lines, where it is found. */
  readonly store?: Store['name'];
}

/** @param url the CA's, where ACME clients find it */
export function snippets(file: string, nickname: string, url: string): readonly Snippet[] {
  const quoted = shellQuoted(file);
  const directory = `${url}/acme/directory`;
  return [
    {
      name: 'certbot',
      lines: [`REQUESTS_CA_BUNDLE=${quoted} certbot certonly --server ${directory} …`],
      readsSystem: false,
    },
    { name: 'lego', lines: [`LEGO_CA_CERTIFICATES=${quoted} lego --server ${directory} …`], readsSystem: true },
    { name: 'curl', lines: [`curl --cacert ${quoted} …`], readsSystem: true },
    { name: 'Node', lines: [`NODE_EXTRA_CA_CERTS=${quoted} node …`], readsSystem: false },
    {
      name: 'Python',
      lines: [`SSL_CERT_FILE=${quoted} python3 …`, `REQUESTS_CA_BUNDLE=${quoted} python3 …   (for requests)`],
      readsSystem: false,
    },
    { name: 'Go', lines: [`SSL_CERT_FILE=${quoted} ./program …`], readsSystem: true },
    {
      name: 'Java',
      lines: [`keytool -importcert -noprompt -cacerts -storepass changeit -alias ${nickname} -file ${quoted}`],
      readsSystem: false,
      store: 'java',
    },
    {
      name: 'containers',
      lines: [
        `COPY root.pem /usr/local/share/ca-certificates/${nickname}.crt`,
        'RUN update-ca-certificates   (in a Debian or Alpine image)',
      ],
      readsSystem: false,
    },
  ];
}
