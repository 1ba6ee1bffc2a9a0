// SPDX-License-Identifier: AGPL-3.0-or-later
// The browser's middleware: which node is asked, and how a song survives its node.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { askNodes, type Ask, type Fetch } from '../../src/worker/forward';
import { addressesIn, NodeBook } from '../../src/worker/node_book';
import { answerFrom, parseContentRange, parseRange } from '../../src/worker/range';
import { relay } from '../../src/worker/relay';

const own = 'https://own.example';
const [second, third] = ['https://second.example', 'https://third.example'];
const ask: Ask = { path: '/api/v1/songs/x/audio', method: 'GET', headers: { Authorization: 'Bearer t' } };
const whole = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) % 251);

let now = 0;
function bookOf(...nodes: string[]): NodeBook {
  const book = new NodeBook(own, () => now);
  book.learn(nodes.map((url) => ({ url, name: '' })));
  return book;
}

/** A node that has the song and serves ranges; `dieAt`: breaks off before this byte; `hangAt`: sends nothing more. */
function node(options: { dieAt?: number; hangAt?: number; status?: number; etag?: string; bytes?: Uint8Array; endEarly?: boolean } = {}) {
  const bytes = options.bytes ?? whole;
  return (init: RequestInit): Response => {
    if (options.status) return new Response('{}', { status: options.status });
    const range = parseRange((init.headers as Record<string, string>).Range ?? null);
    const first = range?.first ?? 0;
    const last = range?.last ?? bytes.length - 1;
    let at = first;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (options.dieAt !== undefined && at >= options.dieAt)
          return options.endEarly ? controller.close() : controller.error(new TypeError('network error'));
        if (options.hangAt !== undefined && at >= options.hangAt) return new Promise(() => {});
        if (at > last) return controller.close();
        const end = Math.min(at + 100, last + 1, options.dieAt ?? Infinity, options.hangAt ?? Infinity);
        controller.enqueue(bytes.slice(at, end));
        at = end;
      },
    });
    const headers: Record<string, string> = {
      'Content-Type': 'audio/mpeg', 'Content-Length': String(last - first + 1), ETag: options.etag ?? '"audio"', 'X-Secret': 'kept back',
    };
    if (range) headers['Content-Range'] = `bytes ${first}-${last}/${bytes.length}`;
    return new Response(body, { status: range ? 206 : 200, headers });
  };
}

/** Fetches from pretended nodes; one that is missing refuses connections. */
function network(nodes: Record<string, ReturnType<typeof node>>) {
  const asked: { node: string; range?: string }[] = [];
  const fetcher: Fetch = (url, init) => {
    const { origin } = new URL(url);
    asked.push({ node: origin, range: (init.headers as Record<string, string>).Range });
    return nodes[origin] ? Promise.resolve(nodes[origin](init)) : Promise.reject(new TypeError('refused'));
  };
  return { fetcher, asked };
}
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

beforeEach(() => void (now = 0));
afterEach(() => vi.useRealTimers());

describe('ranges', () => {
  it('are read strictly', () => {
    expect(parseRange('bytes=5-')).toEqual({ first: 5, last: null });
    expect(parseRange('bytes=5-9')).toEqual({ first: 5, last: 9 });
    for (const text of [null, '', 'bytes=-5', 'bytes=9-5', 'bytes=1-2,4-5', 'items=1-2']) expect(parseRange(text)).toBeNull();
    expect(parseContentRange('bytes 5-9/100')).toEqual({ first: 5, last: 9, size: 100 });
    expect(parseContentRange('bytes */100')).toBeNull();
  });
  it('of a kept song are answered like a node answers them', async () => {
    const blob = new Blob([whole]);
    const part = answerFrom(blob, 'audio/flac', 'bytes=10-19');
    expect(part.status).toBe(206);
    expect(part.headers.get('Content-Range')).toBe('bytes 10-19/1000');
    expect(await bytesOf(part)).toEqual(whole.slice(10, 20));
    expect(answerFrom(blob, 'audio/flac', null).status).toBe(200);
    expect(answerFrom(blob, 'audio/flac', 'bytes=1000-').status).toBe(416);
    expect(answerFrom(blob, 'audio/flac', 'bytes=990-5000').headers.get('Content-Length')).toBe('10');
  });
});

describe('the book of nodes', () => {
  it('puts the own node first, then the quickest', () => {
    const book = bookOf(second, third);
    book.succeeded(second, 80);
    book.succeeded(third, 5);
    book.succeeded(own, 300);
    expect(book.order()).toEqual([own, third, second]);
  });
  it('puts those that failed last, and has them probed when their rest is over', () => {
    const book = bookOf(second);
    book.failed(own);
    expect(book.order()).toEqual([second, own]);
    expect(book.dueForProbe()).toEqual([]);
    now = 1_000;
    expect(book.dueForProbe()).toEqual([own]);
    expect(book.dueForProbe()).toEqual([]);
    book.succeeded(own, 5);
    expect(book.order()).toEqual([own, second]);
  });
  it('rests longer after each failure, at most half a minute', () => {
    const book = bookOf();
    for (let i = 0; i < 10; i += 1) book.failed(own);
    now = 29_999;
    expect(book.dueForProbe()).toEqual([]);
    now = 30_000;
    expect(book.dueForProbe()).toEqual([own]);
  });
  it('knows every address of a node that has several', () => {
    const book = bookOf();
    book.learn(addressesIn({ nodes: [{ id: 'a', name: 'attic', http: [second, third], state: 'live', round_trip_ms: 1 }] }));
    expect(book.order()).toEqual([own, second, third]);
    expect(book.remembered()[1]).toEqual({ url: second, name: 'attic' });
  });
  it('learns only addresses that a page of HTTPS may ask', () => {
    expect(bookOf('http://plain.example', 'ftp://x', 'nonsense', `${second}/path`).order()).toEqual([own, second]);
  });
});

describe('small answers', () => {
  it('come from the next node when one is dead or cannot', async () => {
    const { fetcher, asked } = network({ [second]: node({ status: 503 }), [third]: node() });
    const answered = await askNodes(bookOf(second, third), fetcher, ask);
    expect(answered?.node).toBe(third);
    expect(asked.map((one) => one.node)).toEqual([own, second, third]);
  });
  it('that settle the matter are not asked for again', async () => {
    const { fetcher, asked } = network({ [own]: node({ status: 404 }), [second]: node() });
    expect((await askNodes(bookOf(second), fetcher, ask))?.response.status).toBe(404);
    expect(asked).toHaveLength(1);
  });
  it('say what the last one said when none can, and nothing when none lives', async () => {
    const busy = network({ [own]: node({ status: 503 }) });
    expect((await askNodes(bookOf(second), busy.fetcher, ask))?.response.status).toBe(503);
    expect(await askNodes(bookOf(second), network({}).fetcher, ask)).toBeUndefined();
  });
  it('are not awaited from a node that hangs', async () => {
    vi.useFakeTimers();
    const live = node();
    const fetcher: Fetch = (url, init) =>
      url.startsWith(own)
        ? new Promise((_, reject) => init.signal!.addEventListener('abort', () => reject(new Error('aborted'))))
        : Promise.resolve(live(init));
    const answered = askNodes(bookOf(second), fetcher, ask);
    await vi.advanceTimersByTimeAsync(4_000);
    expect((await answered)?.node).toBe(second);
  });
});

describe('a song', () => {
  it('passes through unchanged, without fields that are not for the page', async () => {
    const { fetcher } = network({ [own]: node() });
    const answer = (await relay(bookOf(second), fetcher, ask))!;
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Content-Length')).toBe('1000');
    expect(answer.headers.get('X-Secret')).toBeNull();
    expect(await bytesOf(answer)).toEqual(whole);
  });
  for (const [what, options] of Object.entries({ breaks: { dieAt: 350 }, 'ends too early': { dieAt: 350, endEarly: true } })) {
    it(`goes on at the byte on another node when its node ${what}`, async () => {
      const { fetcher, asked } = network({ [own]: node(options), [second]: node() });
      const sources: string[] = [];
      const answer = await relay(bookOf(second), fetcher, ask, { onSource: (source) => sources.push(source) });
      expect(await bytesOf(answer!)).toEqual(whole);
      expect(asked[1]).toEqual({ node: second, range: 'bytes=350-999' });
      expect(sources).toEqual([own, second]);
    });
  }
  it('survives one node after the other', async () => {
    const { fetcher } = network({ [own]: node({ dieAt: 200 }), [second]: node({ dieAt: 640 }), [third]: node() });
    expect(await bytesOf((await relay(bookOf(second, third), fetcher, ask))!)).toEqual(whole);
  });
  it('resumes within the range that was asked', async () => {
    const { fetcher, asked } = network({ [own]: node({ dieAt: 350 }), [second]: node() });
    const ranged = { ...ask, headers: { ...ask.headers, Range: 'bytes=300-599' } };
    const answer = (await relay(bookOf(second), fetcher, ranged))!;
    expect(answer.status).toBe(206);
    expect(answer.headers.get('Content-Range')).toBe('bytes 300-599/1000');
    expect(await bytesOf(answer)).toEqual(whole.slice(300, 600));
    expect(asked[1].range).toBe('bytes=350-599');
  });
  it('leaves a node that stands still while somebody listens', async () => {
    vi.useFakeTimers();
    const { fetcher } = network({ [own]: node({ hangAt: 500 }), [second]: node() });
    const bytes = relay(bookOf(second), fetcher, ask).then((answer) => bytesOf(answer!));
    await vi.advanceTimersByTimeAsync(2_600);
    expect(await bytes).toEqual(whole);
  });
  it('is never mixed with other audio', async () => {
    const { fetcher } = network({ [own]: node({ dieAt: 350 }), [second]: node({ etag: '"other"' }), [third]: node() });
    expect(await bytesOf((await relay(bookOf(second, third), fetcher, ask))!)).toEqual(whole);
    const alone = network({ [own]: node({ dieAt: 350 }), [second]: node({ etag: '"other"' }) });
    await expect(bytesOf((await relay(bookOf(second), alone.fetcher, ask))!)).rejects.toThrow();
  });
  it('fails when nobody has the rest', async () => {
    const { fetcher } = network({ [own]: node({ dieAt: 350 }) });
    await expect(bytesOf((await relay(bookOf(), fetcher, ask))!)).rejects.toThrow('no node has the rest');
  });
});
