/**
 * MariaDB, with TLS alone: `pwuser` by a password, `certuser` by that and a certificate.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../rig/ports.ts';
import { clientName } from '../pki.ts';
import { command, give, listening, output, Running } from '../processes.ts';
import type { Server } from './server.ts';

const user = 'mysql';
const password = 'secret';

export const mariadb: Server = {
  name: 'MariaDB',

  version() {
    return output('mariadbd', '--version')?.replace(/^\S+\s+Ver (\S+?)-.*/, 'MariaDB $1');
  },

  async start(folder, pki) {
    const data = join(folder, 'data');
    mkdirSync(data);
    const init = join(folder, 'init.sql');
    writeFileSync(
      init,
      [
        `CREATE USER pwuser IDENTIFIED BY '${password}' REQUIRE SSL;`,
        `CREATE USER ${clientName} IDENTIFIED BY '${password}' REQUIRE X509;`,
        '',
      ].join('\n'),
    );
    give(folder, user);
    const where = ['--no-defaults', `--datadir=${data}`];
    await command(
      'mariadb-install-db',
      [...where, '--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'],
      { user, cwd: folder },
    );
    const port = await freePort();
    const args = [
      ...[...where, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${join(folder, 'socket')}`],
      ...[`--ssl-cert=${pki.cert}`, `--ssl-key=${pki.key}`, `--ssl-ca=${pki.ca}`, '--require-secure-transport=ON'],
      ...['--skip-name-resolve', `--init-file=${init}`, '--innodb-flush-log-at-trx-commit=0'],
    ];
    const server = new Running('mariadbd', args, { user, cwd: folder });
    await listening(port, server);
    return { given: { port, password }, stop: () => server.stop() };
  },
};
