// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Song } from '../../src/api/types';

export function song(id: string, more: Partial<Song> = {}): Song {
  return {
    id, title: id, artist: 'Artist', album: 'Album', album_artist: 'Artist', album_id: 'album', artist_id: 'artist', track: 1, disc: 1,
    year: 2020, genres: [], duration_ms: 60_000, format: 'mp3', content_type: 'audio/mpeg', bit_rate: 128_000, sample_rate: 44_100,
    bits_per_sample: null, size: 1000, audio_hash: 'hash', cover_hash: null, first_stored: '2026-01-01T00:00:00Z', ...more,
  };
}
