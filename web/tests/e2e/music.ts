// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { repository } from './node';

/** The folder of a real album, or of synthesised tunes where it cannot be fetched. */
export function findAlbum(): string {
  for (const [script, folder] of [['fetch_music', 'music'], ['make_tunes', 'tunes']])
    try {
      return execFileSync(join(repository, 'scripts', script), [join(repository, 'build', folder)], { encoding: 'utf8' }).trim();
    } catch {
      continue;
    }
  throw new Error('neither a real album nor synthesised tunes');
}
