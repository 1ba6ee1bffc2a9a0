// SPDX-License-Identifier: AGPL-3.0-or-later
// What this browser remembers, shared by the page and its service worker (IndexedDB).
import type { Session, Song } from '../api/types';

/** A song that can be heard without any node; its bytes are in the cache of `kept.ts`. */
export interface KeptSong {
  id: string;
  song: Song;
  keptAt: number;
}

/** A node that answered once, as the worker remembers it. */
export interface RememberedNode {
  url: string;
  name: string;
}

interface Settings {
  session: Session;
  nodes: RememberedNode[];
}

let opened: Promise<IDBDatabase> | undefined;

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function database(): Promise<IDBDatabase> {
  opened ??= (async () => {
    const request = indexedDB.open('kadenza', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('settings');
      request.result.createObjectStore('kept', { keyPath: 'id' });
    };
    return settled(request);
  })();
  return opened;
}

async function store(name: string, mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return (await database()).transaction(name, mode).objectStore(name);
}

export async function setting<K extends keyof Settings>(name: K): Promise<Settings[K] | undefined> {
  return settled((await store('settings', 'readonly')).get(name));
}
export async function setSetting<K extends keyof Settings>(name: K, value: Settings[K] | undefined): Promise<void> {
  const settings = await store('settings', 'readwrite');
  if (value === undefined) await settled(settings.delete(name));
  else await settled(settings.put(value, name));
}

export async function keptSongs(): Promise<KeptSong[]> {
  return settled((await store('kept', 'readonly')).getAll());
}
export async function putKept(kept: KeptSong): Promise<void> {
  await settled((await store('kept', 'readwrite')).put(kept));
}
export async function removeKept(id: string): Promise<void> {
  await settled((await store('kept', 'readwrite')).delete(id));
}
