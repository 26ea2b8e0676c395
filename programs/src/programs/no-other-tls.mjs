/**
 * Imported after ours: from now on Node's own TLS is an error, so that nothing passes by way of it.
 */
const { wrap } = process.binding('tls_wrap');
if (typeof wrap !== 'function') throw new TypeError('Node keeps its TLS elsewhere now');
process.binding('tls_wrap').wrap = () => {
  throw new Error('Node’s own TLS was used');
};
