// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

import type { Plugin, ResolvedConfig } from 'vite';

import { files } from './service_worker';

const compressible = /\.(js|css|html|svg|json|webmanifest)$/;

/** Leaves FILE.br and FILE.gz beside every file of text, so that nodes need not compress while people wait. */
export function compressed(): Plugin {
  let config: ResolvedConfig;
  return {
    name: 'kadenza-compressed',
    apply: 'build',
    configResolved: (resolved) => void (config = resolved),
    closeBundle: {
      order: 'post',
      sequential: true,
      handler() {
        for (const name of files(config.build.outDir).filter((file) => compressible.test(file))) {
          const path = join(config.build.outDir, name);
          const plain = readFileSync(path);
          writeFileSync(`${path}.br`, brotliCompressSync(plain));
          writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
        }
      },
    },
  };
}
