// SPDX-License-Identifier: AGPL-3.0-or-later
// The bytes of songs kept for the time without a network, in a cache that the page fills and the worker reads.

const cacheName = 'kadenza-kept-1';
const audioKey = (id: string) => `/kept/${id}/audio`;
const coverKey = (id: string) => `/kept/${id}/cover`;

async function read(key: string): Promise<Response | undefined> {
  return (await caches.has(cacheName)) ? (await caches.open(cacheName)).match(key) : undefined;
}

export const keptAudio = (id: string) => read(audioKey(id));
export const keptCover = (id: string) => read(coverKey(id));

export async function putBytes(id: string, audio: Response, cover: Response | null): Promise<void> {
  const cache = await caches.open(cacheName);
  if (cover) await cache.put(coverKey(id), cover);
  await cache.put(audioKey(id), audio);
}

export async function removeBytes(id: string): Promise<void> {
  const cache = await caches.open(cacheName);
  await Promise.all([cache.delete(audioKey(id)), cache.delete(coverKey(id))]);
}
