// SPDX-License-Identifier: AGPL-3.0-or-later
import type { DerivedFacts, Song } from '../api/types';
import { rememberAlbum } from '../library/recent';
import { preferences } from '../preferences.svelte';
import { Deck } from './deck';
import { factsOf } from './facts';
import { levelGain } from './level';
import * as media from './media_session';
import * as queues from './queue';
import { loadQueue, saveQueue } from './saved_queue';

const watchMs = 200;
const saveMs = 5_000;
/** How long before its end the next song is fetched. */
const prefetchS = 30;
/** Below this the start of the next song is set by a timer of its own. */
const handoverS = 1;
const retriesMs = [300, 700, 1_500, 3_000, 6_000, 12_000];
/** How long to wait for the loudness of an album's other songs. */
const loudnessMs = 1_500;
const albumRunMax = 12;
const backToStartS = 4;

export type Trouble = 'none' | 'reconnecting' | 'unreachable' | 'unplayable';
export type Sleep = { kind: 'off' } | { kind: 'end' } | { kind: 'at'; time: number };

/** What plays. One for the page, made when it is loaded; sound begins with the listener's first touch. */
export class Player {
  queue = $state.raw<queues.Queue>(queues.emptyQueue);
  playing = $state(false);
  waiting = $state(false);
  timeS = $state(0);
  durationS = $state(0);
  bufferedS = $state(0);
  trouble = $state<Trouble>('none');
  sleep = $state.raw<Sleep>({ kind: 'off' });
  facts = $state.raw<DerivedFacts | null>(null);

  #context: AudioContext | null = null;
  #decks: Deck[] = [];
  #active = 0;
  #watch: ReturnType<typeof setInterval> | undefined;
  #handover: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retries = 0;
  #unplayable = 0;
  /** From a call of play() to the first sound, as measured. */
  #startLatencyS = 0.02;
  #savedAt = 0;

  constructor() {
    const saved = loadQueue();
    this.queue = saved.queue;
    this.timeS = saved.timeS;
    this.durationS = (this.song?.duration_ms ?? 0) / 1000;
    media.connect(this);
    addEventListener('pagehide', () => this.#save());
  }

  get entry(): queues.Entry | null {
    return queues.currentEntry(this.queue);
  }
  get song(): Song | null {
    return this.entry?.song ?? null;
  }
  get volume(): number {
    return preferences.volume;
  }
  set volume(volume: number) {
    preferences.volume = Math.min(1, Math.max(0, volume));
    this.#applyVolume();
  }

  // ---- what listeners do

  playSongs(songs: Song[], index = 0): void {
    if (songs.length === 0) return;
    this.#setQueue(queues.playAll(this.queue, songs, index, Math.random));
    this.#begin(0);
  }

  playShuffled(songs: Song[]): void {
    const plain = { ...this.queue, unshuffled: null };
    const first = Math.floor(Math.random() * songs.length);
    this.#setQueue(queues.shuffle(queues.playAll(plain, songs, first, Math.random), Math.random));
    this.#begin(0);
  }

  playEntry(key: number): void {
    const index = this.queue.entries.findIndex((entry) => entry.key === key);
    if (index >= 0) this.#jump(index);
  }

  add(songs: Song[], where: 'next' | 'last'): void {
    this.#setQueue(queues.add(this.queue, songs, where));
    if (!this.durationS) this.durationS = (this.song?.duration_ms ?? 0) / 1000;
  }

  remove(key: number): void {
    const current = this.entry?.key === key;
    this.#setQueue(queues.remove(this.queue, key));
    if (!current) return;
    if (this.entry && this.playing) this.#begin(0);
    else this.stop();
  }

  move(from: number, to: number): void {
    this.#setQueue(queues.move(this.queue, from, to));
  }

  clear(): void {
    this.#setQueue(queues.clear(this.queue));
  }

  toggleShuffle(): void {
    this.#setQueue(this.queue.unshuffled ? queues.unshuffle(this.queue) : queues.shuffle(this.queue, Math.random));
  }

  cycleRepeat(): void {
    this.#setQueue({ ...this.queue, repeat: queues.nextRepeat[this.queue.repeat] });
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  play(): void {
    if (!this.entry) return;
    if (this.#deck?.key !== this.entry.key || this.trouble !== 'none') return this.#begin(this.timeS);
    this.playing = true;
    void this.#context?.resume();
    this.#startElement(this.#deck);
  }

  pause(): void {
    this.playing = false;
    this.waiting = false;
    clearTimeout(this.#handover);
    clearTimeout(this.#retry);
    for (const deck of this.#decks) deck.element.pause();
    this.#save();
    media.showState(this);
  }

  /** Pauses at the beginning of the current song, if there is one. */
  stop(): void {
    this.pause();
    for (const deck of this.#decks) deck.unload();
    this.timeS = 0;
    this.durationS = (this.song?.duration_ms ?? 0) / 1000;
    this.trouble = 'none';
  }

  seek(seconds: number): void {
    const target = Math.min(Math.max(0, seconds), Math.max(0, this.durationS - 0.05));
    clearTimeout(this.#handover);
    this.#handover = undefined;
    this.timeS = target;
    if (this.#deck && this.#deck.key === this.entry?.key) {
      this.#idle?.element.pause();
      this.#deck.element.currentTime = target;
    }
    media.showPosition(this);
  }

  next(): void {
    const index = queues.afterSkip(this.queue);
    if (index === null) this.stop();
    else this.#jump(index);
  }

  /** To the beginning of the song, or to the one before when it has just begun. */
  previous(): void {
    if (this.timeS > backToStartS) this.seek(0);
    else this.#jump(queues.beforeSkip(this.queue));
  }

  setSleep(sleep: Sleep): void {
    this.sleep = sleep;
  }

  setLevelling(on: boolean): void {
    preferences.levelling = on;
    for (const deck of this.#decks) void this.#level(deck);
  }

  // ---- the decks

  get #deck(): Deck | undefined {
    return this.#decks[this.#active];
  }
  get #idle(): Deck | undefined {
    return this.#decks[1 - this.#active];
  }

  #prepare(): void {
    if (this.#context) return;
    this.#context = new AudioContext({ latencyHint: 'playback' });
    this.#decks = [new Deck(this.#context), new Deck(this.#context)];
    for (const deck of this.#decks) {
      deck.element.addEventListener('ended', () => deck === this.#deck && this.#ended());
      deck.element.addEventListener('error', () => deck === this.#deck && this.#failed());
      deck.element.addEventListener('waiting', () => deck === this.#deck && (this.waiting = this.playing));
      deck.element.addEventListener('playing', () => deck === this.#deck && this.#sounding());
    }
    this.#applyVolume();
    this.#watch ??= setInterval(() => this.#look(), watchMs);
  }

  #applyVolume(): void {
    // Loudness is heard by its logarithm; the square is near enough.
    for (const deck of this.#decks) deck.element.volume = preferences.volume ** 2;
  }

  #setQueue(queue: queues.Queue): void {
    this.queue = queue;
    this.#handover = void clearTimeout(this.#handover);
    const idle = this.#idle;
    if (idle?.song && idle.key !== this.#followingEntry()?.key) idle.unload();
    this.#save();
  }

  #followingEntry(): queues.Entry | null {
    if (this.sleep.kind === 'end') return null;
    const index = queues.following(this.queue);
    return index === null ? null : this.queue.entries[index];
  }

  #jump(index: number): void {
    this.#setQueue({ ...this.queue, index });
    this.#begin(0);
  }

  /** Plays the current entry from a moment on. */
  #begin(atS: number): void {
    const entry = this.entry;
    if (!entry) return;
    this.#prepare();
    void this.#context!.resume();
    clearTimeout(this.#retry);
    this.#retries = 0;
    for (const deck of this.#decks) deck.element.pause();
    if (atS === 0 && this.#idle!.key === entry.key) this.#active = 1 - this.#active;
    else this.#deck!.load(entry.song, entry.key);
    this.#deck!.element.currentTime = atS;
    this.playing = true;
    this.#entered(atS);
    this.#startElement(this.#deck!);
  }

  /** The active deck has become another song. */
  #entered(atS: number): void {
    const deck = this.#deck!;
    this.trouble = 'none';
    this.timeS = atS;
    this.durationS = deck.durationS;
    this.waiting = deck.element.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
    this.facts = null;
    const song = deck.song!;
    void factsOf(song.id).then((facts) => deck.song === song && deck === this.#deck && (this.facts = facts));
    void this.#level(deck);
    rememberAlbum(song);
    media.showSong(this);
    this.#save();
  }

  #startElement(deck: Deck): void {
    deck.element.play().catch((error: DOMException) => {
      // AbortError: something else was loaded meanwhile. Failures to load come as "error" events.
      if (error.name === 'NotAllowedError') this.pause();
    });
    media.showState(this);
  }

  async #level(deck: Deck): Promise<void> {
    const song = deck.song;
    if (!song) return;
    if (!preferences.levelling) return deck.setLevel(1);
    const timeout = new Promise<null>((done) => setTimeout(() => done(null), loudnessMs));
    const known = await Promise.all(this.#albumRun(song).map((one) => Promise.race([factsOf(one.id), timeout])));
    const loudness = known.flatMap((facts) => (facts?.loudness ? [facts.loudness] : []));
    if (deck.song === song && preferences.levelling) deck.setLevel(levelGain(null, loudness));
  }

  /** The songs of the same album that play in a row with this one. */
  #albumRun(song: Song): Song[] {
    const { entries } = this.queue;
    const at = entries.findIndex((entry) => entry.song === song);
    const same = (index: number) => song.album_id !== null && entries[index]?.song.album_id === song.album_id;
    let first = at;
    let last = at;
    while (same(first - 1) && last - first < albumRunMax) first -= 1;
    while (same(last + 1) && last - first < albumRunMax) last += 1;
    return at < 0 ? [song] : entries.slice(first, last + 1).map((entry) => entry.song);
  }

  // ---- as time goes by

  #look(): void {
    const deck = this.#deck;
    if (!deck?.song) return;
    if (deck.key === this.entry?.key && this.trouble === 'none') {
      this.timeS = deck.element.currentTime;
      this.durationS = deck.durationS;
      this.bufferedS = deck.bufferedS;
    }
    if (this.sleep.kind === 'at' && Date.now() >= this.sleep.time) {
      this.sleep = { kind: 'off' };
      this.pause();
    }
    if (!this.playing) return;
    if (performance.now() - this.#savedAt > saveMs) this.#save();
    if (deck.leftS < prefetchS) this.#prefetch();
    if (deck.leftS < handoverS) this.#scheduleHandover();
  }

  #prefetch(): void {
    const idle = this.#idle!;
    const entry = this.#followingEntry();
    if (!entry || idle.key === entry.key) return;
    idle.load(entry.song, entry.key);
    void this.#level(idle);
  }

  /** Starts the next song so that its first sample follows the last one of this. */
  #scheduleHandover(): void {
    const idle = this.#idle!;
    if (this.#handover || idle.element.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) return;
    if (idle.key === null || idle.key !== this.#followingEntry()?.key) return;
    this.#handover = setTimeout(
      () => {
        const called = performance.now();
        idle.element.play().then(
          () => this.#measureStart(idle, called),
          () => {},
        );
        this.#active = 1 - this.#active;
        this.#advance();
      },
      Math.max(0, (this.#deck!.leftS - this.#startLatencyS) * 1000),
    );
  }

  #measureStart(deck: Deck, called: number): void {
    requestAnimationFrame(() => {
      const latency = (performance.now() - called) / 1000 - deck.element.currentTime;
      if (latency > 0 && latency < 0.2) this.#startLatencyS += 0.3 * (latency - this.#startLatencyS);
    });
  }

  /** The other deck plays the following entry already. */
  #advance(): void {
    this.#handover = undefined;
    this.queue = { ...this.queue, index: queues.following(this.queue) ?? this.queue.index };
    this.#entered(0);
  }

  #sounding(): void {
    this.waiting = false;
    this.trouble = 'none';
    this.#retries = 0;
    this.#unplayable = 0;
    media.showPosition(this);
  }

  #ended(): void {
    const sleeps = this.sleep.kind === 'end';
    const index = sleeps ? queues.afterSkip(this.queue) : queues.following(this.queue);
    if (sleeps) this.sleep = { kind: 'off' };
    if (index === null) return this.stop();
    this.#setQueue({ ...this.queue, index });
    if (sleeps) this.stop();
    else this.#begin(0);
  }

  #failed(): void {
    const deck = this.#deck!;
    if (!deck.song || !this.playing) return;
    if (deck.element.canPlayType(deck.song.content_type) === '') return this.#skipUnplayable();
    if (this.#retries >= retriesMs.length) {
      this.pause();
      this.trouble = navigator.onLine && deck.element.error?.code === MediaError.MEDIA_ERR_DECODE ? 'unplayable' : 'unreachable';
      return;
    }
    this.trouble = 'reconnecting';
    this.waiting = true;
    this.#retry = setTimeout(() => {
      deck.reload(this.timeS);
      if (this.playing) this.#startElement(deck);
    }, retriesMs[this.#retries++]);
  }

  /** Goes on with the next song, unless nothing in the queue can be played. */
  #skipUnplayable(): void {
    this.#unplayable += 1;
    const index = queues.afterSkip(this.queue);
    if (index === null || this.#unplayable >= this.queue.entries.length) {
      this.pause();
      this.trouble = 'unplayable';
    } else {
      this.#jump(index);
    }
  }

  #save(): void {
    this.#savedAt = performance.now();
    saveQueue({ queue: this.queue, timeS: this.timeS });
  }
}

export const player = new Player();
