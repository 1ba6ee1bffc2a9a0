// SPDX-License-Identifier: AGPL-3.0-or-later
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

import { compressed } from './tools/compressed';
import { serviceWorker } from './tools/service_worker';

// A node to develop against: KADENZA_NODE=http://127.0.0.1:4747 npm run dev
const node = process.env.KADENZA_NODE ?? 'http://127.0.0.1:4747';

export default defineConfig({
  plugins: [svelte(), serviceWorker({ entry: 'src/worker/sw.ts', file: 'sw.js' }), compressed()],
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': node } },
});
