// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from 'vitest';

import * as queues from '../../src/player/queue';
import { song } from './fixtures';

const songs = ['a', 'b', 'c', 'd', 'e'].map((id) => song(id));
const never = () => {
  throw new Error('no chance wanted');
};
/** The same numbers each time. */
function dice(seed = 7): queues.Random {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}
const ids = (queue: queues.Queue) => queue.entries.map((entry) => entry.song.id).join('');
const playing = (queue: queues.Queue) => queues.currentEntry(queue)?.song.id;
const started = queues.playAll(queues.emptyQueue, songs, 1, never);

describe('the queue', () => {
  it('begins with the chosen song and knows what follows', () => {
    expect(ids(started)).toBe('abcde');
    expect(playing(started)).toBe('b');
    expect(queues.following(started)).toBe(2);
  });

  it('keeps a window of a very long list, around the chosen song', () => {
    const many = Array.from({ length: 5000 }, (_, index) => song(String(index)));
    const queue = queues.playAll(queues.emptyQueue, many, 4000, never);
    expect(queue.entries.length).toBe(2000);
    expect(playing(queue)).toBe('4000');
  });

  it('stops at its end, or begins again, or stays', () => {
    const last = { ...started, index: 4 };
    expect(queues.following(last)).toBeNull();
    expect(queues.following({ ...last, repeat: 'all' })).toBe(0);
    expect(queues.following({ ...last, repeat: 'one' })).toBe(4);
    expect(queues.afterSkip({ ...started, repeat: 'one' })).toBe(2);
    expect(queues.following(queues.emptyQueue)).toBeNull();
  });

  it('goes back to the start, or to the end when everything is repeated', () => {
    expect(queues.beforeSkip(started)).toBe(0);
    expect(queues.beforeSkip({ ...started, index: 0 })).toBe(0);
    expect(queues.beforeSkip({ ...started, index: 0, repeat: 'all' })).toBe(4);
  });

  it('takes songs in next or last, with keys of their own', () => {
    const next = queues.add(started, [song('x')], 'next');
    expect(ids(next)).toBe('abxcde');
    expect(ids(queues.add(started, [song('x')], 'last'))).toBe('abcdex');
    expect(new Set(next.entries.map((entry) => entry.key)).size).toBe(6);
    expect(queues.add(queues.emptyQueue, [song('x')], 'last').index).toBe(0);
  });

  it('loses songs without losing its place', () => {
    const key = (id: string) => started.entries.find((entry) => entry.song.id === id)!.key;
    expect(playing(queues.remove(started, key('a')))).toBe('b');
    expect(playing(queues.remove(started, key('b')))).toBe('c');
    expect(playing(queues.remove(started, key('e')))).toBe('b');
    expect(playing(queues.remove({ ...started, index: 4 }, key('e')))).toBe('d');
    expect(queues.remove(started, 99)).toBe(started);
  });

  it('moves songs, what plays keeps playing', () => {
    const moved = queues.move(started, 4, 0);
    expect(ids(moved)).toBe('eabcd');
    expect(playing(moved)).toBe('b');
    expect(queues.move(started, 0, 9)).toBe(started);
  });

  it('shuffles with what plays first, and takes it back', () => {
    const mixed = queues.shuffle(started, dice());
    expect(playing(mixed)).toBe('b');
    expect(mixed.index).toBe(0);
    expect([...ids(mixed)].sort().join('')).toBe('abcde');
    expect(ids(mixed)).not.toBe('bacde');
    const back = queues.unshuffle(queues.add(mixed, [song('x')], 'last'));
    expect(ids(back)).toBe('abcdex');
    expect(playing(back)).toBe('b');
  });

  it('shuffles all orders alike', () => {
    const random = dice();
    const seen = new Map<string, number>();
    const three = queues.playAll(queues.emptyQueue, songs.slice(0, 4), 0, never);
    for (let i = 0; i < 6000; i += 1) {
      const order = ids(queues.shuffle(three, random));
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('plays new songs shuffled while shuffle is on', () => {
    const mixed = queues.playAll(queues.shuffle(started, dice()), songs, 3, dice());
    expect(playing(mixed)).toBe('d');
    expect(mixed.index).toBe(0);
    expect(mixed.unshuffled).not.toBeNull();
  });

  it('keeps only what plays when cleared', () => {
    expect(ids(queues.clear(started))).toBe('b');
    expect(queues.clear(queues.emptyQueue).index).toBe(-1);
  });
});
