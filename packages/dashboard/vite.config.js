import { defineConfig } from 'vite';

// In the package that serves it, so that a clone and what is published have it at the same place.
export default defineConfig({
  base: '/admin/',
  build: {
    outDir: '../ca/dashboard/dist',
    emptyOutDir: true,
    target: 'es2023',
    // What is inlined would be forbidden by the page's own policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});
