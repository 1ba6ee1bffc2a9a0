// SPDX-License-Identifier: AGPL-3.0-or-later
// Media keys, lock screens and notifications (the Media Session standard).
import { coverUrl } from '../api/client';
import type { Player } from './player.svelte';

const session = globalThis.navigator?.mediaSession as MediaSession | undefined;
const skipS = 10;

export function connect(player: Player): void {
  const on = (action: MediaSessionAction, handler: MediaSessionActionHandler) => {
    try {
      session?.setActionHandler(action, handler);
    } catch {
      // An action that this browser does not know.
    }
  };
  on('play', () => player.play());
  on('pause', () => player.pause());
  on('stop', () => player.stop());
  on('nexttrack', () => player.next());
  on('previoustrack', () => player.previous());
  on('seekto', ({ seekTime }) => player.seek(seekTime ?? 0));
  on('seekbackward', ({ seekOffset }) => player.seek(player.timeS - (seekOffset ?? skipS)));
  on('seekforward', ({ seekOffset }) => player.seek(player.timeS + (seekOffset ?? skipS)));
}

export function showSong({ song }: Player): void {
  if (!session || !song) return;
  const { title, artist, album } = song;
  const artwork = song.cover_hash
    ? [96, 512].map((size) => ({ src: coverUrl(song.id, size), sizes: `${size}x${size}` }))
    : [{ src: '/icon-512.png', sizes: '512x512', type: 'image/png' }];
  session.metadata = new MediaMetadata({ title, artist, album, artwork });
}

export function showState({ playing }: Player): void {
  if (session) session.playbackState = playing ? 'playing' : 'paused';
}

export function showPosition({ durationS, timeS }: Player): void {
  if (session && durationS > 0)
    session.setPositionState?.({ duration: durationS, position: Math.min(timeS, durationS), playbackRate: 1 });
}
