// SPDX-License-Identifier: AGPL-3.0-or-later
// The albums heard last in this browser, newest first.
import type { Album, Song } from '../api/types';

const key = 'kadenza.recent';
const countMax = 12;

export type RecentAlbum = Pick<Album, 'id' | 'title' | 'artist' | 'artist_id' | 'year' | 'cover_song'>;

export function recentAlbums(): RecentAlbum[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(stored) ? (stored as RecentAlbum[]) : [];
  } catch {
    return [];
  }
}

export function rememberAlbum(song: Song): void {
  if (!song.album_id) return;
  const { album_id: id, album: title, album_artist, artist, artist_id, year } = song;
  const recent = { id, title, artist: album_artist || artist, artist_id, year, cover_song: song.cover_hash ? song.id : null };
  const others = recentAlbums().filter((album) => album.id !== id);
  localStorage.setItem(key, JSON.stringify([recent, ...others].slice(0, countMax)));
}
