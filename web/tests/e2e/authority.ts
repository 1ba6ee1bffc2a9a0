// SPDX-License-Identifier: AGPL-3.0-or-later
// A browser that trusts a cluster's web authority as a listener's does: by its store of certificates.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A home folder whose Chromium trusts one authority. */
export class TrustingHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'kadenza-home-'));

  constructor(authority: string) {
    const store = join(this.folder, '.pki/nssdb');
    const certificate = join(this.folder, 'authority.pem');
    mkdirSync(store, { recursive: true });
    writeFileSync(certificate, authority);
    execFileSync('certutil', ['-N', '-d', `sql:${store}`, '--empty-password']);
    execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-n', 'Kadenza', '-t', 'C,,', '-i', certificate]);
  }

  destroy(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
