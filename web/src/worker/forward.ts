// SPDX-License-Identifier: AGPL-3.0-or-later
import type { NodeBook } from './node_book';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How long a node may take to begin its answer while others could be asked instead; the last one gets more. */
export const firstAnswerMs = 4_000;
export const lastAnswerMs = 35_000;

export interface Ask {
  /** Path and query, the same on every node. */
  path: string;
  method: string;
  headers: Record<string, string>;
  body?: BodyInit;
  signal?: AbortSignal;
}

export interface Answered {
  node: string;
  response: Response;
  /** Ends the answer's body. */
  abort: () => void;
}

/** The node lives but cannot serve this: another may. */
const worthAnother = (status: number) => status === 502 || status === 503 || status === 504;

async function askOne(fetcher: Fetch, node: string, ask: Ask, patienceMs: number): Promise<Answered> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, patienceMs);
  ask.signal?.addEventListener('abort', abort, { once: true });
  try {
    const response = await fetcher(node + ask.path, {
      method: ask.method,
      headers: ask.headers,
      body: ask.body,
      signal: controller.signal,
      credentials: 'omit',
    });
    return { node, response, abort };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Asks one node after the other until one answers well. When none does, the answer of the last that said anything;
 * undefined when none said anything. Only for requests that may be repeated.
 */
export async function askNodes(
  book: NodeBook,
  fetcher: Fetch,
  ask: Ask,
  good: (response: Response) => boolean = () => true,
): Promise<Answered | undefined> {
  const nodes = book.order();
  let second: Answered | undefined;
  for (const [index, node] of nodes.entries()) {
    if (ask.signal?.aborted) break;
    const asked = performance.now();
    try {
      const answered = await askOne(fetcher, node, ask, index < nodes.length - 1 ? firstAnswerMs : lastAnswerMs);
      book.succeeded(node, performance.now() - asked);
      if (!worthAnother(answered.response.status) && good(answered.response)) {
        second?.abort();
        return answered;
      }
      second?.abort();
      second = answered;
    } catch {
      if (!ask.signal?.aborted) book.failed(node);
    }
  }
  return second;
}
