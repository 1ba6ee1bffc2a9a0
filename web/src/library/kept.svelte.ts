// SPDX-License-Identifier: AGPL-3.0-or-later
import { audioUrl, coverUrl } from '../api/client';
import type { Song } from '../api/types';
import { t } from '../i18n/index.svelte';
import { keptSongs, putKept, removeKept, type KeptSong } from '../storage/database';
import { putBytes, removeBytes } from '../storage/kept';
import { base32 } from './base32';
import { toast } from '../ui/toasts.svelte';

const coverPixels = 768;

/** The songs kept in this browser for the time without a network. */
class Kept {
  songs = $state.raw<KeptSong[]>([]);
  /** Songs that are being fetched, with the share that is here. */
  fetching = $state<Record<string, number>>({});

  async start(): Promise<void> {
    this.songs = await keptSongs().catch(() => []);
  }

  has(id: string): boolean {
    return this.songs.some((kept) => kept.id === id);
  }

  get bytes(): number {
    return this.songs.reduce((sum, kept) => sum + kept.song.size, 0);
  }

  /** Fetches songs one after the other; each is checked against the hash that names its audio. */
  async keep(songs: Song[]): Promise<void> {
    void navigator.storage?.persist?.();
    const wanted = songs.filter((song) => !this.has(song.id) && !(song.id in this.fetching));
    for (const song of wanted) this.fetching[song.id] = 0;
    let kept = 0;
    for (const song of wanted) {
      try {
        await this.#fetch(song);
        kept += 1;
      } catch {
        toast(t('kept.failed', { title: song.title }));
      } finally {
        delete this.fetching[song.id];
      }
    }
    if (kept > 0) toast(t('kept.done', { n: kept }));
  }

  async drop(id: string): Promise<void> {
    await removeKept(id);
    await removeBytes(id);
    this.songs = this.songs.filter((kept) => kept.id !== id);
  }

  async #fetch(song: Song): Promise<void> {
    const answer = await fetch(audioUrl(song.id));
    if (!answer.ok || !answer.body) throw new Error(`answered ${answer.status}`);
    const audio = await this.#read(song, answer.body);
    const hash = base32(new Uint8Array(await crypto.subtle.digest('SHA-256', await audio.arrayBuffer())));
    if (hash !== song.audio_hash) throw new Error('these are not the bytes of the song');
    const cover = song.cover_hash ? await fetch(coverUrl(song.id, coverPixels)) : null;
    await putBytes(song.id, new Response(audio, { headers: { 'Content-Type': song.content_type } }), cover?.ok ? cover : null);
    const one = { id: song.id, song: $state.snapshot(song), keptAt: Date.now() };
    await putKept(one);
    this.songs = [...this.songs, one];
  }

  async #read(song: Song, body: ReadableStream<Uint8Array>): Promise<Blob> {
    const parts: Uint8Array[] = [];
    let length = 0;
    const reader = body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      parts.push(piece.value);
      length += piece.value.byteLength;
      this.fetching[song.id] = length / song.size;
    }
    return new Blob(parts as BlobPart[], { type: song.content_type });
  }
}

export const kept = new Kept();
