/**
 * How large the built packages may get in somebody's bundle, gzipped, with TLS 1.3 and 1.2. Raise a number only with a reason
 * in the commit.
 */
export default [
  { name: 'the engine as a client: no provider', path: 'bundles/engine-client.mjs', gzip: true, limit: '59 kB' },
  { name: 'a web client: engine, web provider, trust', path: 'bundles/web-client.mjs', gzip: true, limit: '81 kB' },
];
