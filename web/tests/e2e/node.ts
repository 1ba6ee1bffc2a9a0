// SPDX-License-Identifier: AGPL-3.0-or-later
// Real nodes, driven from outside.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../..');
export const program = process.env.KADENZA_BIN ?? join(repository, 'build/release/bin/kadenza');
const startMs = 40_000;

export const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** The first true answer of a condition, asked again and again until the deadline. */
export async function until<T>(what: string, condition: () => T | Promise<T>, ms = 20_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + ms;
  for (;;) {
    const answer = await condition();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(25);
  }
}

/** A free loopback port below the range that the system hands to outgoing connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise<boolean>((done) => {
      const probe = createServer().once('error', () => done(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
}

export interface NodeOptions {
  /** Further arguments of `kadenza serve`. */
  args?: string[];
  scheme?: 'http' | 'https';
  /** The name by which browsers reach it. */
  host?: string;
}

export class KadenzaNode {
  readonly home = mkdtempSync(join(tmpdir(), 'kadenza-web-'));
  private process: ChildProcess | undefined;

  private constructor(readonly port: number, private readonly options: NodeOptions) {}

  static async start(options: NodeOptions = { args: ['--standalone'] }): Promise<KadenzaNode> {
    const node = new KadenzaNode(await freePort(), options);
    await node.launch();
    return node;
  }

  /** Where browsers find it. */
  get url(): string {
    return this.at(this.options.host ?? '127.0.0.1');
  }
  /** Where this process does, which knows no invented names. */
  private get here(): string {
    return this.at('127.0.0.1');
  }
  private at(host: string): string {
    return `${this.options.scheme ?? 'http'}://${host}:${this.port}`;
  }
  get data(): string {
    return join(this.home, 'data');
  }
  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, HOME: this.home, XDG_CONFIG_HOME: join(this.home, 'config'), LC_ALL: 'C.UTF-8', NODE_TLS_REJECT_UNAUTHORIZED: undefined };
  }
  get token(): string {
    const folder = join(this.home, 'config/kadenza/tokens');
    return readFileSync(join(folder, readdirSync(folder)[0]), 'utf8').trim();
  }
  get log(): string {
    return readFileSync(join(this.home, 'node.log'), 'utf8');
  }
  get password(): string {
    return /password (\w+)/.exec(this.log)![1];
  }

  async launch(): Promise<void> {
    mkdirSync(join(this.home, 'config'), { recursive: true });
    const { args = [], host } = this.options;
    const reached = host ? ['--public-url', this.url] : [];
    this.process = spawn(program, ['serve', '--data', this.data, '--http', `127.0.0.1:${this.port}`, ...reached, ...args], {
      env: this.environment, stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (text: Buffer) => appendFileSync(join(this.home, 'node.log'), text);
    writeFileSync(join(this.home, 'node.log'), '', { flag: 'a' });
    this.process.stdout!.on('data', keep);
    this.process.stderr!.on('data', keep);
    await until(`ready at ${this.here}`, async () => {
      if (this.process!.exitCode !== null) throw new Error(`the node ended:\n${this.log}`);
      return fetch(`${this.here}/readyz`).then((answer) => answer.ok, () => false);
    }, startMs);
  }

  /** The end without warning. */
  async kill(): Promise<void> {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode) return;
    const ended = new Promise((done) => this.process!.once('exit', done));
    this.process.kill('SIGKILL');
    await ended;
  }
  async destroy(): Promise<void> {
    await this.kill();
    rmSync(this.home, { recursive: true, force: true });
  }

  async api<T>(path: string, init: RequestInit = {}): Promise<T> {
    const headers = { Authorization: `Bearer ${this.token}`, ...(init.headers as Record<string, string>) };
    const answer = await fetch(`${this.here}/api/v1${path}`, { ...init, headers });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }
  async upload(audio: Buffer, tags: Record<string, string>): Promise<{ id: string; title: string; audio_hash: string }> {
    const answer = await this.api<{ song: { id: string; title: string; audio_hash: string } }>(`/songs?${new URLSearchParams(tags)}`, {
      method: 'POST', body: new Uint8Array(audio), headers: { 'Content-Type': 'application/octet-stream' },
    });
    return answer.song;
  }
  private cluster(command: string): string {
    return execFileSync(program, ['cluster', command, '--data', this.data], { env: this.environment, encoding: 'utf8', stdio: 'pipe' });
  }
  /** A join token for one more node. */
  invite(): string {
    return this.cluster('invite').trim();
  }
  /** What listeners install, PEM. */
  authority(): string {
    return this.cluster('ca');
  }
  async oneTimeLink(): Promise<string> {
    const { code } = await this.api<{ code: string }>('/session/code', { method: 'POST' });
    return `${this.url}/#code=${encodeURIComponent(code)}`;
  }
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

export interface Sampling {
  rate?: number;
  channels?: number;
  amplitude?: number; // of 32,768
}

/** A WAV file of one tone, 16 bits a sample. Its wave goes through zero at both ends. */
export function tone(hertz: number, seconds: number, { rate = 44_100, channels = 1, amplitude = 12_000 }: Sampling = {}): Buffer {
  const frames = Math.round(rate * seconds);
  const bytesPerFrame = channels * 2;
  const samples = Buffer.alloc(frames * bytesPerFrame);
  for (let i = 0; i < frames * channels; i += 1)
    samples.writeInt16LE(Math.round(amplitude * Math.sin((2 * Math.PI * hertz * Math.floor(i / channels)) / rate)), i * 2);
  const head = Buffer.alloc(44);
  head.write('RIFF');
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * bytesPerFrame, 28);
  head.writeUInt16LE(bytesPerFrame, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
