/**
 * Mosquitto at three ports: MQTT over TLS, the same with a client's certificate as its user, and MQTT over secure WebSockets.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../rig/ports.ts';
import { listening, Running } from '../processes.ts';
import type { Server } from './server.ts';

export const mosquitto: Server = {
  name: 'Mosquitto',

  version() {
    // It prints its version with its help, and exits with 3.
    const { stdout } = spawnSync('mosquitto', ['-h'], { encoding: 'utf8' });
    return /^mosquitto version (\S+)/.exec(stdout ?? '')?.[0].replace('mosquitto version', 'Mosquitto');
  },

  async start(folder, pki) {
    const [port, portWithCertificate, webPort] = [await freePort(), await freePort(), await freePort()];
    const files = [`certfile ${pki.cert}`, `keyfile ${pki.key}`, `cafile ${pki.ca}`];
    const config = [
      ...[
        'user root',
        'per_listener_settings true',
        'persistence false',
        'max_queued_messages 0',
        'max_inflight_messages 0',
      ],
      ...[`listener ${port} 127.0.0.1`, 'allow_anonymous true', ...files],
      ...[`listener ${portWithCertificate} 127.0.0.1`, ...files],
      ...['require_certificate true', 'use_identity_as_username true', 'allow_anonymous false'],
      ...[`listener ${webPort} 127.0.0.1`, 'protocol websockets', 'allow_anonymous true', ...files],
      '',
    ];
    const path = join(folder, 'mosquitto.conf');
    writeFileSync(path, config.join('\n'));
    const server = new Running('mosquitto', ['-c', path], { cwd: folder });
    for (const one of [port, portWithCertificate, webPort]) await listening(one, server);
    return { given: { port, portWithCertificate, webPort }, stop: () => server.stop() };
  },
};
