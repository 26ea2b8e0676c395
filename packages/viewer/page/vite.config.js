import { defineConfig } from 'vite';

export default defineConfig({
  // Any folder of any static server will do.
  base: './',
  resolve: { conditions: ['@handfast/source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: '../site',
    emptyOutDir: true,
    target: 'es2023',
    // What is inlined would be forbidden by the page's own policy.
    assetsInlineLimit: 0,
    // One script is the page, a page that is kept, and the worker: buildViewer() says how large it may be.
    chunkSizeWarningLimit: 1000,
    modulePreload: { polyfill: false },
  },
});
