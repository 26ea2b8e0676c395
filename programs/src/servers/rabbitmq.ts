/**
 * RabbitMQ, with TLS alone. Its name service (epmd) is started here too, since it would outlive us otherwise.
 *
 * @module
 */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../rig/ports.ts';
import { give, listening, output, Running } from '../processes.ts';
import type { Server } from './server.ts';

const user = 'rabbitmq';
/** Debian's own, below the wrapper that becomes `rabbitmq` by itself and reads /etc. */
const program = '/usr/lib/rabbitmq/bin/rabbitmq-server';

export const rabbitmq: Server = {
  name: 'RabbitMQ',

  version() {
    if (!existsSync(program)) return undefined;
    const [, version = ''] = /\t([^-]*)/.exec(output('dpkg-query', '-W', 'rabbitmq-server') ?? '') ?? [];
    return `RabbitMQ ${version}`;
  },

  async start(folder, pki) {
    const [port, names, distribution] = [await freePort(), await freePort(), await freePort()];
    const config = join(folder, 'rabbitmq.conf');
    writeFileSync(
      config,
      [
        'listeners.tcp = none',
        `listeners.ssl.default = 127.0.0.1:${port}`,
        `ssl_options.cacertfile = ${pki.ca}`,
        `ssl_options.certfile = ${pki.cert}`,
        `ssl_options.keyfile = ${pki.key}`,
        'ssl_options.verify = verify_peer',
        'ssl_options.fail_if_no_peer_cert = false',
        'log.console = true',
        'log.file = false',
        '',
      ].join('\n'),
    );
    writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
    mkdirSync(join(folder, 'mnesia'));
    give(folder, user);
    const env = {
      HOME: folder,
      ERL_EPMD_PORT: String(names),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: 'programs@localhost',
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: folder,
      RABBITMQ_CONFIG_FILE: config,
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      RABBITMQ_GENERATED_CONFIG_DIR: folder,
    };
    const epmd = new Running('epmd', [], { user, env });
    await listening(names, epmd);
    const server = new Running(program, [], { user, env, cwd: folder });
    await listening(port, server, 120_000);
    return {
      given: { port },
      async stop() {
        server.kill();
        epmd.kill();
        await Promise.all([server.exit, epmd.exit]);
      },
    };
  },
};
