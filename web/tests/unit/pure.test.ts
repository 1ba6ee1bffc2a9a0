// SPDX-License-Identifier: AGPL-3.0-or-later
import { describe, expect, it } from 'vitest';

import { chosenLanguage } from '../../src/i18n/index.svelte';
import { messages as en } from '../../src/i18n/en';
import { messages as es } from '../../src/i18n/es';
import { base32, unitOf } from '../../src/library/base32';
import { members, standing } from '../../src/network/members';
import { angleOf, onCircle, spread } from '../../src/network/ring';
import { levelGain } from '../../src/player/level';
import { match } from '../../src/paths';
import { pieces } from '../../src/ui/highlight';
import { dominantHue, fraction } from '../../src/ui/tint';
import { bars } from '../../src/ui/waveform';
import { windowOf } from '../../src/ui/window';
import { guessTags, looksLikeAudio } from '../../src/upload/files';
import { Speed } from '../../src/upload/speed';

const loudness = (integrated_lufs: number, true_peak = 0.5) => ({ integrated_lufs, true_peak, range_lu: 5, track_gain_db: -18 - integrated_lufs });
const db = (factor: number) => 20 * Math.log10(factor);

describe('equal loudness', () => {
  it('brings loud and quiet songs to the same loudness', () => {
    for (const lufs of [-8, -14, -20]) expect(lufs + db(levelGain(loudness(lufs, 0.1)))).toBeCloseTo(-14);
  });
  it('never clips', () => expect(levelGain(loudness(-30, 0.9)) * 0.9).toBeLessThanOrEqual(0.97));
  it('gives an album one gain, by the mean of its power', () => {
    const album = [loudness(-10), loudness(-20)];
    expect(levelGain(album[0], album)).toBe(levelGain(album[1], album));
    expect(-12.6 + db(levelGain(null, album))).toBeCloseTo(-14, 1);
  });
  it('is careful with what is not measured', () => expect(levelGain(null)).toBeLessThan(1));
});

describe('highlights', () => {
  it('count code points, not bytes or UTF-16 units', () => {
    expect(pieces('🎵 Müsli', [{ offset: 2, length: 2 }])).toEqual([
      { text: '🎵 ', marked: false }, { text: 'Mü', marked: true }, { text: 'sli', marked: false },
    ]);
  });
  it('may be none', () => expect(pieces('abc', [])).toEqual([{ text: 'abc', marked: false }]));
  it('merge when they touch', () => expect(pieces('abc', [{ offset: 0, length: 1 }, { offset: 1, length: 1 }])).toHaveLength(2));
});

describe('ids', () => {
  it('are written like RFC 4648, in small letters without padding', () => {
    expect(base32(new TextEncoder().encode('foobar'))).toBe('mzxw6ytboi');
    expect(base32(new Uint8Array(32))).toBe('a'.repeat(52));
    expect(base32(new Uint8Array([255]))).toBe('74');
  });
  it('lie on the ring in their order', () => {
    expect(unitOf('a'.repeat(52))).toBe(0);
    expect(unitOf('q' + 'a'.repeat(51))).toBe(0.5);
    expect(unitOf('7'.repeat(52))).toBeLessThan(1);
    expect(angleOf('i' + 'a'.repeat(51))).toBeCloseTo(Math.PI / 2);
    expect(onCircle(Math.PI / 2, 10).x).toBeCloseTo(10);
  });
  it('that lie close are drawn apart, in their order', () => {
    const angles = spread([0, 0.01, 0.02, 3], 0.3);
    for (let i = 1; i < angles.length; i += 1) expect(angles[i] - angles[i - 1]).toBeGreaterThan(0.28);
    expect(Math.abs(angles[3] - 3)).toBeLessThan(0.2);
    expect(spread([1], 0.3)).toEqual([1]);
  });
});

describe('the picture of the network', () => {
  const contact = (id: string) => ({ id, endpoint: `host-${id}:1`, state: 'live' as const, round_trip_ms: 2 });
  const network = {
    self: 'b', endpoint: 'x:1', estimated_nodes: 3, joined: true, link_suspected: false,
    buckets: [{ shared_bits: 0, contacts: [contact('a'), contact('c')], candidates: [contact('z')] }],
  };
  it('shows contacts when a node tells no members', () => {
    expect(members(network).map((node) => node.id)).toEqual(['a', 'b', 'c']);
  });
  it('prefers what members say', () => {
    const nodes = [{ id: 'c', name: 'cellar', http: ['https://c'], state: 'dead' as const, round_trip_ms: null, stored_bytes: 5, capacity_bytes: 10 }];
    const shown = members({ ...network, nodes });
    expect(shown[2]).toMatchObject({ name: 'cellar', state: 'dead', stored_bytes: 5 });
    expect(shown).toHaveLength(3);
  });
  it('tells that a node leaves, as long as it is there', () => {
    expect(standing({ state: 'live', leaving: true })).toBe('leaving');
    expect(standing({ state: 'dead', leaving: true })).toBe('dead');
    expect(standing({ state: 'suspected' })).toBe('suspected');
  });
});

describe('languages', () => {
  it('follow the choice, then the browser, then English', () => {
    expect(chosenLanguage('es', ['en-GB'])).toBe('es');
    expect(chosenLanguage(null, ['fr-FR', 'es-MX', 'en'])).toBe('es');
    expect(chosenLanguage(null, ['de'])).toBe('en');
  });
  it('say the same: every text takes the same values, and is plural alike', () => {
    const values = (text: unknown) => [...new Set(JSON.stringify(text).match(/\{\w+\}/g) ?? [])].sort();
    for (const [key, text] of Object.entries(en)) {
      const other = es[key as keyof typeof en];
      expect(values(other), key).toEqual(values(text));
      expect(typeof other, key).toBe(typeof text);
    }
    expect(Object.keys(es).sort()).toEqual(Object.keys(en).sort());
  });
});

describe('small things', () => {
  it('match paths', () => {
    expect(match('/album/{id}', '/album/x')).toEqual({ id: 'x' });
    expect(match('/genre/{name}', '/genre/Rock%20%26%20Roll')).toEqual({ name: 'Rock & Roll' });
    expect(match('/album/{id}', '/album/')).toBeNull();
    expect(match('/albums', '/album')).toBeNull();
  });
  it('draw only the rows in view', () => {
    expect(windowOf(0, 600, 60, 1000, 2)).toEqual({ first: 0, last: 12 });
    expect(windowOf(6000, 600, 60, 1000, 2)).toEqual({ first: 98, last: 112 });
    expect(windowOf(1e6, 600, 60, 1000, 2)).toEqual({ first: 1000, last: 1000 });
    expect(windowOf(-500, 600, 60, 5, 2)).toEqual({ first: 0, last: 4 });
  });
  it('make bars of a waveform', () => {
    expect(bars([0, 255, 0, 0], 2)).toEqual([1, 0]);
    expect(bars([], 3)).toEqual([0, 0, 0]);
    expect(bars([100], 2)).toEqual([1, 1]);
  });
  it('find the hue of a cover', () => {
    const pixels = (r: number, g: number, b: number) => new Uint8ClampedArray(Array.from({ length: 64 }, () => [r, g, b, 255]).flat());
    expect(dominantHue(pixels(220, 30, 30))).toBeGreaterThan(10);
    expect(dominantHue(pixels(220, 30, 30))).toBeLessThan(45);
    expect(Math.abs(dominantHue(pixels(40, 60, 220))! - 264)).toBeLessThan(16);
    expect(dominantHue(pixels(128, 128, 128))).toBeNull();
  });
  it('derive patterns from ids', () => {
    expect(fraction('abc')).toBe(fraction('abc'));
    expect(fraction('abc')).not.toBe(fraction('abd'));
    expect(fraction('abc', 1)).not.toBe(fraction('abc', 2));
  });
  it('know songs by their files’ names, and guess tags', () => {
    expect(looksLikeAudio('a.FLAC')).toBe(true);
    expect(looksLikeAudio('cover.jpg')).toBe(false);
    expect(looksLikeAudio('._a.mp3')).toBe(false);
    expect(guessTags('07 - Some Band - A Song - Live.mp3')).toEqual({ artist: 'Some Band', title: 'A Song - Live' });
    expect(guessTags('03. Title.ogg')).toEqual({ artist: '', title: 'Title' });
    expect(guessTags('99 Red Balloons.mp3').title).not.toBe('');
  });
  it('measure speed over the last moments', () => {
    const speed = new Speed();
    speed.add(0, 0);
    expect(speed.add(1000, 1000)).toBe(1000);
    expect(speed.add(0, 10_000)).toBe(0);
  });
});
