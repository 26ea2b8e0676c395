/**
 * TLS 1.3 (RFC 9846) as a value, whole or by role.
 *
 * @module
 */

import { TLS13 } from '../registry.ts';
import type { ClientVersion, ServerVersion, Version } from '../version.ts';
import { client } from './client.ts';
import { server } from './server.ts';

/** For `clientConfig` alone: a bundle with it holds no server. */
export const tls13Client: ClientVersion = { id: TLS13, name: 'TLS 1.3', client };

/** For `serverConfig` alone. */
export const tls13Server: ServerVersion = { id: TLS13, name: 'TLS 1.3', server };

/** For either. */
export const tls13: Version = { id: TLS13, name: 'TLS 1.3', client, server };
