// SPDX-License-Identifier: AGPL-3.0-or-later
/// <reference lib="webworker" />
// The middleware of the browser: pages ask their own origin, and this worker finds a node that answers. It also keeps
// the page itself, and the songs kept by the listener, for the time when no node can be reached.
import type { Network } from '../api/types';
import { setSetting, setting } from '../storage/database';
import { keptAudio, keptCover } from '../storage/kept';
import { askNodes, type Ask } from './forward';
import type { FromWorker, ToWorker } from './messages';
import { addressesIn, NodeBook } from './node_book';
import { answerFrom } from './range';
import { relay } from './relay';

declare const __SHELL__: string[];
declare const __EDITION__: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
const shellCache = `kadenza-shell-${__EDITION__}`;
const learnEveryMs = 30_000;

const book = new NodeBook(worker.location.origin);
const fetcher = (url: string, init: RequestInit) => fetch(url, init);

/** What is remembered from before this worker was started; browsers stop workers whenever they like. */
let token = '';
async function remember(): Promise<void> {
  token = (await setting('session'))?.token ?? '';
  book.learn((await setting('nodes')) ?? []);
}
let remembering: Promise<void> | undefined;

async function tell(message: FromWorker): Promise<void> {
  for (const client of await worker.clients.matchAll({ type: 'window' })) client.postMessage(message);
}

// ---- the page

async function keepShell(): Promise<void> {
  const cache = await caches.open(shellCache);
  await cache.addAll(__SHELL__.map((file) => new Request(file, { cache: 'no-cache' })));
  await cache.put('/', (await cache.match('/index.html'))!.clone());
}

async function dropOldShells(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('kadenza-shell-') && name !== shellCache);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function shell(request: Request): Promise<Response> {
  const cache = await caches.open(shellCache);
  const key = request.mode === 'navigate' ? '/' : request;
  return (await cache.match(key, { ignoreSearch: true })) ?? fetch(request);
}

// ---- the nodes

let learntAt = -Infinity;

/** Asks now and then who else is there, and whether those that failed are back. */
async function learn(): Promise<void> {
  if (performance.now() - learntAt < learnEveryMs) return;
  learntAt = performance.now();
  await (remembering ??= remember());
  const answered = await askNodes(book, fetcher, { path: '/api/v1/network', method: 'GET', headers: authorised({}) });
  if (answered?.response.ok) await take((await answered.response.json()) as Network);
}

async function take(network: Network): Promise<void> {
  book.learn(addressesIn(network));
  await setSetting('nodes', book.remembered());
}

function probe(): void {
  for (const node of book.dueForProbe()) {
    const asked = performance.now();
    fetch(`${node}/healthz`, { mode: 'no-cors', cache: 'no-store' }).then(
      () => book.succeeded(node, performance.now() - asked),
      () => book.failed(node),
    );
  }
}

function authorised(headers: Record<string, string>): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}`, ...headers } : headers;
}

const forwardedFields = ['Authorization', 'Content-Type', 'Accept', 'Range', 'If-Range', 'If-None-Match'];

async function askOf(request: Request): Promise<Ask> {
  const { pathname, search } = new URL(request.url);
  const headers: Record<string, string> = {};
  for (const name of forwardedFields) {
    const value = request.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  return {
    path: pathname + search,
    method: request.method,
    headers: authorised(headers),
    body: hasBody ? await request.arrayBuffer() : undefined,
    signal: request.signal,
  };
}

// ---- requests

async function audio(request: Request, id: string): Promise<Response> {
  const kept = await keptAudio(id);
  if (kept) {
    void tell({ type: 'source', song: id, node: 'kept' });
    const type = kept.headers.get('Content-Type') ?? 'application/octet-stream';
    return answerFrom(await kept.blob(), type, request.headers.get('Range'));
  }
  const onSource = (node: string) => void tell({ type: 'source', song: id, node });
  return (await relay(book, fetcher, await askOf(request), { onSource })) ?? Response.error();
}

async function cover(request: Request, id: string): Promise<Response> {
  const answered = await askNodes(book, fetcher, await askOf(request));
  return answered?.response ?? (await keptCover(id)) ?? Response.error();
}

async function api(request: Request): Promise<Response> {
  const ask = await askOf(request);
  const answered = await askNodes(book, fetcher, ask);
  if (!answered) return Response.error();
  if (ask.path === '/api/v1/network' && answered.response.ok) void answered.response.clone().json().then(take);
  return answered.response;
}

async function answer(request: Request, path: string): Promise<Response> {
  await (remembering ??= remember());
  probe();
  const song = /^\/api\/v1\/songs\/([a-z2-7]{52})\/(audio|cover)$/.exec(path);
  if (request.method === 'GET' && song?.[2] === 'audio') return audio(request, song[1]);
  if (request.method === 'GET' && song?.[2] === 'cover') return cover(request, song[1]);
  return api(request);
}

/** Uploads go past the worker: it would hide their progress, and hold each file in memory. */
const isUpload = (request: Request, path: string) => request.method === 'POST' && path === '/api/v1/songs';

/** Addresses of the node itself, which are no pages of the player. */
const nodesOwn = ['/ca.pem', '/healthz', '/readyz', '/metrics'];

worker.addEventListener('install', (event) => event.waitUntil(keepShell().then(() => worker.skipWaiting())));
worker.addEventListener('activate', (event) =>
  event.waitUntil(Promise.all([dropOldShells(), worker.clients.claim()])),
);
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== worker.location.origin || isUpload(request, pathname) || nodesOwn.includes(pathname)) return;
  if (pathname.startsWith('/api/')) {
    event.respondWith(answer(request, pathname));
    event.waitUntil(learn().catch(() => {}));
  } else if (request.mode === 'navigate' || __SHELL__.includes(pathname)) {
    event.respondWith(shell(request));
  }
});
worker.addEventListener('message', (event) => {
  const message = event.data as ToWorker;
  if (message.type === 'session') event.waitUntil((remembering = remember()));
  if (message.type === 'nodes') event.source?.postMessage({ type: 'nodes', urls: book.order() } satisfies FromWorker);
});
