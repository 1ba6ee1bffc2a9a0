// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Network } from '../api/types';
import type { RememberedNode } from '../storage/database';

const backOffMs = 1_000;
const backOffMaxMs = 30_000;
const smoothing = 0.25;

interface Entry extends RememberedNode {
  latencyMs: number | null;
  failures: number;
  /** When a node that failed may be tried again. */
  retryAt: number;
}

/** Everything at which a network's nodes say that they can be reached; a node may have several addresses. Pure. */
export const addressesIn = ({ nodes = [] }: Pick<Network, 'nodes'>): RememberedNode[] =>
  nodes.flatMap(({ http = [], name = '' }) => http.map((url) => ({ url, name })));

/**
 * The nodes that may be asked, and how they have answered. The page's own node goes first while it answers: it needs
 * no CORS preflight. Then the quickest; those that failed last, for when nothing else is left.
 */
export class NodeBook {
  #entries = new Map<string, Entry>();

  constructor(
    private readonly own: string,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.learn([{ url: own, name: '' }]);
  }

  /** Takes over what a node says of its network. Only what this page may speak to counts: no plain HTTP below HTTPS. */
  learn(nodes: Iterable<RememberedNode>): void {
    for (const { url, name } of nodes) {
      if (!URL.canParse(url)) continue;
      const { origin, protocol } = new URL(url);
      if (protocol !== 'https:' && (protocol !== 'http:' || this.own.startsWith('https:'))) continue;
      const known = this.#entries.get(origin);
      if (known) known.name = name || known.name;
      else this.#entries.set(origin, { url: origin, name, latencyMs: null, failures: 0, retryAt: 0 });
    }
  }

  /** Whom to ask, first to last. */
  order(): string[] {
    const rank = (entry: Entry) =>
      entry.failures > 0 ? 1e9 + entry.retryAt : entry.url === this.own ? -1 : (entry.latencyMs ?? 1e6);
    return [...this.#entries.values()].sort((a, b) => rank(a) - rank(b)).map((entry) => entry.url);
  }

  /** Those that failed and whose rest is over: worth a probe beside the real traffic. */
  dueForProbe(): string[] {
    const due = [...this.#entries.values()].filter((entry) => entry.failures > 0 && entry.retryAt <= this.now());
    for (const entry of due) entry.retryAt = this.now() + backOffMs;
    return due.map((entry) => entry.url);
  }

  succeeded(url: string, tookMs: number): void {
    const entry = this.#entries.get(url);
    if (!entry) return;
    entry.latencyMs = entry.latencyMs === null ? tookMs : entry.latencyMs + smoothing * (tookMs - entry.latencyMs);
    entry.failures = 0;
  }

  failed(url: string): void {
    const entry = this.#entries.get(url);
    if (!entry) return;
    entry.failures += 1;
    entry.retryAt = this.now() + Math.min(backOffMaxMs, backOffMs * 2 ** (entry.failures - 1));
  }

  remembered(): RememberedNode[] {
    return [...this.#entries.values()].map(({ url, name }) => ({ url, name }));
  }
}
