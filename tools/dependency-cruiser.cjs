/**
 * Which way the arrows point. `tools/fixtures/arrows` breaks each of these rules once: `npm run check` first makes sure
 * that all of them are reported there.
 */

const core = { dependencyTypes: ['core'] };

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'crypto-is-the-ground',
      comment: 'crypto <- x509 <- roots, tls <- viewer, ca <- cli: nothing imports upward',
      from: { path: '^packages/crypto/' },
      to: { path: '^packages/(x509|roots|tls|viewer|ca|cli)/' },
    },
    {
      name: 'x509-is-below-tls',
      from: { path: '^packages/x509/' },
      to: { path: '^packages/(roots|tls|viewer|ca|cli)/' },
    },
    {
      name: 'roots-know-certificates-alone',
      from: { path: '^packages/roots/src/' },
      to: { path: '^packages/(crypto|tls|viewer|ca|cli)/' },
    },
    {
      name: 'roots-are-imported-by-name',
      comment: 'they are larger than a whole client: a program that wants them imports them',
      from: { path: '^packages/(tls|ca)/src/' },
      to: { path: '^packages/roots/' },
    },
    { name: 'tls-is-below-ca', from: { path: '^packages/tls/' }, to: { path: '^packages/(viewer|ca|cli)/' } },
    {
      name: 'the-viewer-looks-at-tls',
      from: { path: '^packages/viewer/src/' },
      to: { path: '^packages/(roots|ca|cli)/' },
    },
    { name: 'ca-is-below-cli', from: { path: '^packages/ca/' }, to: { path: '^packages/cli/' } },
    {
      name: 'core-knows-no-adapter',
      comment: 'the core of a package runs anywhere: its node/, web/ and redis/ import it, never the reverse',
      from: { path: '^packages/(crypto|x509|tls)/src/', pathNot: '/src/(legacy/)?(node|web|redis)/' },
      to: { path: '^packages/[^/]+/src/(legacy/)?(node|web|redis)/' },
    },
    {
      name: 'core-has-nothing-from-node',
      from: { path: '^packages/(crypto|x509|roots|tls|viewer)/src/', pathNot: '/src/(legacy/)?node/' },
      to: core,
    },
    {
      name: 'adapters-stand-apart',
      from: { path: '^packages/[^/]+/src/(legacy/)?(web|redis)/' },
      to: { path: '^packages/[^/]+/src/(legacy/)?node/' },
    },
    {
      name: 'records-and-messages-know-no-version',
      from: { path: '^packages/tls/src/(record|messages)/' },
      to: { path: '^packages/tls/src/tls1[0-9]/' },
    },
    {
      name: 'weak-is-imported-by-name',
      comment: 'what is weak is reached by a program that imports it, never by way of what is not',
      // register-legacy is such an import itself.
      from: {
        path: '^packages/(crypto|tls)/src/',
        pathNot: ['^packages/[^/]+/src/legacy/', '^packages/tls/src/node/register-legacy\\.ts$'],
      },
      to: { path: '^packages/(crypto|tls)/src/legacy/' },
    },
    {
      name: 'sources-know-no-tests',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '^packages/[^/]+/test/' },
    },
    {
      name: 'no-cycles',
      comment: 'two types may know each other; two modules that run may not',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    // pkcs11js has a manifest of its own (packages/ca/pkcs11), and is compiled where it is wanted.
    { name: 'all-imports-resolve', from: {}, to: { couldNotResolve: true, pathNot: '^pkcs11js$' } },
  ].map((rule) => ({ ...rule, severity: 'error' })),
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@handfast/source', 'import', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.d.ts'],
    },
  },
};
