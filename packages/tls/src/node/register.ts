/**
 * `node --import @handfast/tls/register app.js`: the process's `node:tls`, `node:https` and `node:http2` speak our TLS, for
 * CommonJS and ES modules alike, and in worker threads. The program stays as it is. Or from within, as the program's first
 * import: `import '@handfast/tls/register'`.
 *
 * Node's own `fetch` and `WebSocket` are among what is reached.
 *
 * How: the members of the built-in `tls` object are replaced by ours of the same name, and what ES modules import is brought in
 * step (`syncBuiltinESMExports`). `node:https` and `node:http2` ask that object for `connect`, and their servers are built on its
 * `Server`: where one of the two was loaded before, its server is put on ours by its prototypes.
 *
 * Limits:
 *
 * - Functions that were taken before stay Node's, and fail: `const { connect } = require('tls')` in what an earlier `--require` or
 *   `--import` has loaded asks the built-in object for a context, and ours is none of Node's (`ERR_TLS_INVALID_CONTEXT`). So ours
 *   stands first. ES modules' names are live, and change.
 * - `tls.rootCertificates` cannot be replaced (it is not configurable); it is Node's list, as ours is.
 * - Nothing is added: Node 22.18 has no `tls.setDefaultCACertificates` with it either. `createSecurePair` (Node 22),
 *   `getCertificateCompressionAlgorithms` and what else we have not got stays Node's own.
 * - Programs that a program starts have it by `NODE_OPTIONS='--import @handfast/tls/register'`; worker threads have it
 *   already, but for those that are made of a text (`eval: true`): Node imports nothing there.
 * - HTTP/2 works over ours as over any stream that is not libuv's: by a wrapper, which answers as ours does (`http2-socket.ts`).
 * - What Node keeps in its binary of its own TLS is not reached: `_tls_wrap` and `_tls_common` (deprecated), `node:quic`, `node:dtls`,
 *   and the inspector.
 *
 * While `handfast view` is open it shows the connections of the program (docs/viewer.md); `HANDFAST_VIEW=0` keeps them to itself.
 *
 * `@handfast/tls/node` itself uses nothing of the members that are replaced here, or has taken it when it was loaded.
 *
 * @module
 */

import { replaceBuiltIn } from './built-in.ts';
import * as ours from './index.ts';
import { streamerOfProcess } from './live/streamer.ts';
import { watchConnections } from './watcher.ts';

replaceBuiltIn(ours);
watchConnections(streamerOfProcess().watch);
