// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { build, type Plugin, type ResolvedConfig } from 'vite';

/** Every file below a folder, as paths relative to it. */
export function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/**
 * Bundles the service worker as one classic script once the page is built, and tells it the files of the page and a
 * name for this edition of them: what it keeps for the time when no node answers.
 */
export function serviceWorker({ entry, file }: { entry: string; file: string }): Plugin {
  let config: ResolvedConfig;
  return {
    name: 'kadenza-service-worker',
    apply: 'build',
    configResolved: (resolved) => void (config = resolved),
    async closeBundle() {
      // Letters that few need are fetched when they are.
      const shell = files(config.build.outDir).filter((name) => !name.includes('vietnamese'));
      const edition = createHash('sha256');
      for (const name of shell) edition.update(name).update(readFileSync(join(config.build.outDir, name)));
      await build({
        root: config.root,
        configFile: false,
        publicDir: false,
        logLevel: 'warn',
        define: {
          __SHELL__: JSON.stringify(shell.map((name) => '/' + name)),
          __EDITION__: JSON.stringify(edition.digest('hex').slice(0, 16)),
        },
        build: {
          target: config.build.target,
          outDir: config.build.outDir,
          emptyOutDir: false,
          rollupOptions: { input: join(config.root, entry), output: { format: 'iife', entryFileNames: file } },
        },
      });
    },
  };
}
