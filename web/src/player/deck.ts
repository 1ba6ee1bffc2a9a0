// SPDX-License-Identifier: AGPL-3.0-or-later
import { audioUrl } from '../api/client';
import type { Song } from '../api/types';

const rampS = 0.02;

/** One audio element with its own level. Two of them take turns, so that a song can begin where another ends. */
export class Deck {
  readonly element = new Audio();
  readonly #gain: GainNode;
  song: Song | null = null;
  /** Key of the queue's entry that is loaded. */
  key: number | null = null;

  constructor(private readonly context: AudioContext) {
    this.element.preload = 'auto';
    this.#gain = context.createGain();
    context.createMediaElementSource(this.element).connect(this.#gain).connect(context.destination);
  }

  load(song: Song, key: number): void {
    this.song = song;
    this.key = key;
    this.element.src = audioUrl(song.id);
    this.element.load();
  }

  unload(): void {
    this.song = null;
    this.key = null;
    this.element.removeAttribute('src');
    this.element.load();
  }

  /** Takes up the song again at a moment, after an error. */
  reload(atS: number): void {
    if (!this.song) return;
    this.element.src = audioUrl(this.song.id);
    this.element.currentTime = atS;
  }

  setLevel(gain: number): void {
    this.#gain.gain.setTargetAtTime(gain, this.context.currentTime, rampS);
  }

  /** The best known length: the element's, or the node's while it is not known. */
  get durationS(): number {
    const measured = this.element.duration;
    return Number.isFinite(measured) && measured > 0 ? measured : (this.song?.duration_ms ?? 0) / 1000;
  }

  get leftS(): number {
    return this.durationS - this.element.currentTime;
  }

  get bufferedS(): number {
    const { buffered, currentTime } = this.element;
    for (let i = 0; i < buffered.length; i += 1)
      if (buffered.start(i) <= currentTime + 0.1 && currentTime <= buffered.end(i)) return buffered.end(i);
    return currentTime;
  }
}
