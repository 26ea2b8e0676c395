/**
 * How large the built packages may get in somebody's bundle, minified and gzipped, with all that it imports. Raise a number only
 * with a reason in the commit.
 */
export default [
  {
    name: 'a client: TLS 1.3, path validation, default rows',
    path: 'bundles/client-tls13.mjs',
    gzip: true,
    limit: '74 kB',
  },
  { name: 'the same with TLS 1.2 (connect)', path: 'bundles/client-tls13-tls12.mjs', gzip: true, limit: '81 kB' },
  { name: 'a server: TLS 1.3', path: 'bundles/server-tls13.mjs', gzip: true, limit: '64.3 kB' },
  { name: 'two of Mozilla’s roots', path: '../bench/sizes/roots-two.mjs', gzip: true, limit: '2.5 kB' },
  { name: 'all of them', path: '../bench/sizes/roots-all.mjs', gzip: true, limit: '110 kB' },
];
