// SPDX-License-Identifier: AGPL-3.0-or-later
import { askNodes, type Answered, type Ask, type Fetch } from './forward';
import type { NodeBook } from './node_book';
import { parseContentRange } from './range';

/** How long a stream may stand still while somebody waits for its bytes. */
const stallMs = 2_500;
/** How often the rest is asked for without a byte coming, and the pause that grows with each time. */
const fruitlessMax = 6;
const pauseMs = 100;
const passedOn = ['Content-Type', 'Content-Length', 'Content-Range', 'Accept-Ranges', 'ETag', 'Content-Disposition'];

export interface RelayEvents {
  /** Bytes come from this node from now on. */
  onSource?: (node: string) => void;
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('stalled')), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Where in the whole the body of an answer lies; null when it has no known end. */
function extentOf(response: Response): { first: number; last: number } | null {
  if (response.status === 206) return parseContentRange(response.headers.get('Content-Range'));
  const length = Number(response.headers.get('Content-Length') ?? NaN);
  return response.status === 200 && length > 0 ? { first: 0, last: length - 1 } : null;
}

/**
 * A song's bytes as one answer, whoever sends them: when the node dies or stands still, the rest is asked of another,
 * from the byte that is missing. The entity tag is the hash of the audio, so the parts are of one whole.
 */
export async function relay(book: NodeBook, fetcher: Fetch, ask: Ask, events: RelayEvents = {}): Promise<Response | undefined> {
  const begun = await askNodes(book, fetcher, ask);
  if (!begun) return undefined;
  const { response } = begun;
  const extent = extentOf(response);
  if (!response.body || !extent) return response;

  const etag = response.headers.get('ETag');
  let source: Answered = begun;
  let reader = response.body.getReader();
  let position = extent.first;
  events.onSource?.(source.node);

  let fruitless = 0;
  const resume = async () => {
    fruitless += 1;
    if (fruitless > fruitlessMax) throw new Error('no node has the rest of the song');
    if (fruitless > 1) await new Promise((done) => setTimeout(done, pauseMs * fruitless));
    source.abort();
    book.failed(source.node);
    const headers = { ...ask.headers, Range: `bytes=${position}-${extent.last}` };
    const continues = (next: Response) =>
      parseContentRange(next.headers.get('Content-Range'))?.first === position && next.headers.get('ETag') === etag;
    const next = await askNodes(book, fetcher, { ...ask, headers }, continues);
    if (!next?.response.body || !continues(next.response)) throw new Error('no node has the rest of the song');
    source = next;
    reader = next.response.body.getReader();
    events.onSource?.(source.node);
  };

  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        try {
          const piece = await within(reader.read(), stallMs);
          if (piece.value) {
            position += piece.value.byteLength;
            fruitless = 0;
            controller.enqueue(piece.value);
          }
          if (position > extent.last) {
            controller.close();
            return;
          }
          if (piece.value) return;
        } catch {
          // The node has gone; so it has when it ends too early.
        }
        await resume();
      }
    },
    cancel: () => source.abort(),
  });

  const headers = new Headers();
  for (const name of passedOn) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(body, { status: response.status, headers });
}
