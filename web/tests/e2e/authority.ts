// SPDX-License-Identifier: AGPL-3.0-or-later
// A certificate authority, and a browser that trusts it as a listener's would: by its store of certificates.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'kadenza-authority-'));
  readonly certificate = join(this.folder, 'authority.pem');
  private readonly key = join(this.folder, 'authority.key');

  constructor() {
    openssl('req', '-x509', ...newKey, '-keyout', this.key, '-out', this.certificate, '-days', '2', '-subj', '/CN=Test Authority',
      '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
  }

  /** Certificate and key of a server with these names, as options of `kadenza serve`. */
  server(...names: string[]): string[] {
    const [key, request, certificate, extensions] = ['key', 'csr', 'pem', 'ext'].map((end) => join(this.folder, `${names[0]}.${end}`));
    const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',');
    writeFileSync(extensions, `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth\n`);
    openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${names[0]}`);
    openssl('x509', '-req', '-in', request, '-CA', this.certificate, '-CAkey', this.key, '-CAcreateserial', '-days', '2', '-extfile', extensions, '-out', certificate);
    return ['--tls-cert', certificate, '--tls-key', key];
  }

  /** A home folder whose Chromium trusts this authority. */
  trustingHome(): string {
    const home = join(this.folder, 'home');
    const store = join(home, '.pki/nssdb');
    mkdirSync(store, { recursive: true });
    execFileSync('certutil', ['-N', '-d', `sql:${store}`, '--empty-password']);
    execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-n', 'Test Authority', '-t', 'C,,', '-i', this.certificate]);
    return home;
  }

  destroy(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
