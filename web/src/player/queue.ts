// SPDX-License-Identifier: AGPL-3.0-or-later
// What is played, in which order. Pure: every function returns a new queue.
import type { Song } from '../api/types';

export type Repeat = 'off' | 'all' | 'one';

export interface Entry {
  /** Tells apart the same song twice. */
  key: number;
  song: Song;
}

export interface Queue {
  entries: Entry[];
  /** Of the song that plays; -1 when there is none. */
  index: number;
  repeat: Repeat;
  /** Keys in the order before shuffling; null when not shuffled. */
  unshuffled: number[] | null;
  nextKey: number;
}

export type Random = () => number;

export const emptyQueue: Queue = { entries: [], index: -1, repeat: 'off', unshuffled: null, nextKey: 1 };
const lengthMax = 2_000;

export const currentEntry = (queue: Queue): Entry | null => queue.entries[queue.index] ?? null;

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

function spliced<T>(items: readonly T[], at: number, without: number, ...added: T[]): T[] {
  return [...items.slice(0, at), ...added, ...items.slice(at + without)];
}

function entriesFor(queue: Queue, songs: Song[]): Entry[] {
  return songs.map((song, index) => ({ key: queue.nextKey + index, song }));
}

/** Replaces what was queued by these songs, beginning with the one at `index`. */
export function playAll(queue: Queue, songs: Song[], index: number, random: Random): Queue {
  const from = Math.max(0, Math.min(index, songs.length - 1) - lengthMax / 2);
  const entries = entriesFor(queue, songs.slice(from, from + lengthMax));
  const replaced = { ...queue, entries, index: index - from, unshuffled: null, nextKey: queue.nextKey + entries.length };
  return queue.unshuffled ? shuffle(replaced, random) : replaced;
}

/** Puts songs behind the one that plays, or at the end. */
export function add(queue: Queue, songs: Song[], where: 'next' | 'last'): Queue {
  const room = songs.slice(0, Math.max(0, lengthMax - queue.entries.length));
  const added = entriesFor(queue, room);
  const at = where === 'next' ? queue.index + 1 : queue.entries.length;
  return {
    ...queue,
    entries: spliced(queue.entries, at, 0, ...added),
    index: queue.index < 0 && added.length > 0 ? 0 : queue.index,
    unshuffled: queue.unshuffled && [...queue.unshuffled, ...added.map((entry) => entry.key)],
    nextKey: queue.nextKey + added.length,
  };
}

/** Without one entry; when it is the one that plays, its follower takes its place. */
export function remove(queue: Queue, key: number): Queue {
  const at = queue.entries.findIndex((entry) => entry.key === key);
  if (at < 0) return queue;
  const entries = spliced(queue.entries, at, 1);
  const index = at < queue.index ? queue.index - 1 : Math.min(queue.index, entries.length - 1);
  return { ...queue, entries, index, unshuffled: queue.unshuffled?.filter((one) => one !== key) ?? null };
}

export function move(queue: Queue, from: number, to: number): Queue {
  const entry = queue.entries[from];
  if (!entry || to < 0 || to >= queue.entries.length) return queue;
  const playing = currentEntry(queue);
  const entries = spliced(spliced(queue.entries, from, 1), to, 0, entry);
  return { ...queue, entries, index: playing ? entries.indexOf(playing) : -1 };
}

/** Only what plays remains. */
export function clear(queue: Queue): Queue {
  const playing = currentEntry(queue);
  return { ...queue, entries: playing ? [playing] : [], index: playing ? 0 : -1, unshuffled: null };
}

/** The songs to come in any order; what plays goes first, so that all the others come. */
export function shuffle(queue: Queue, random: Random): Queue {
  const playing = currentEntry(queue);
  const others = shuffled(
    queue.entries.filter((entry) => entry !== playing),
    random,
  );
  return {
    ...queue,
    entries: playing ? [playing, ...others] : others,
    index: playing ? 0 : -1,
    unshuffled: queue.entries.map((entry) => entry.key),
  };
}

export function unshuffle(queue: Queue): Queue {
  if (!queue.unshuffled) return queue;
  const order = new Map(queue.unshuffled.map((key, index) => [key, index]));
  const playing = currentEntry(queue);
  const entries = [...queue.entries].sort((a, b) => (order.get(a.key) ?? 0) - (order.get(b.key) ?? 0));
  return { ...queue, entries, index: playing ? entries.indexOf(playing) : -1, unshuffled: null };
}

/** Where the queue goes when a song ends by itself; null: it stops. */
export function following(queue: Queue): number | null {
  if (queue.index < 0) return null;
  return queue.repeat === 'one' ? queue.index : afterSkip(queue);
}

/** Where "next" goes. */
export function afterSkip(queue: Queue): number | null {
  if (queue.index + 1 < queue.entries.length) return queue.index + 1;
  return queue.repeat !== 'off' && queue.entries.length > 0 ? 0 : null;
}

export function beforeSkip(queue: Queue): number {
  if (queue.index > 0) return queue.index - 1;
  return queue.repeat === 'all' ? queue.entries.length - 1 : 0;
}

export const nextRepeat: Record<Repeat, Repeat> = { off: 'all', all: 'one', one: 'off' };
