// SPDX-License-Identifier: AGPL-3.0-or-later
// What nodes answer; docs/openapi.yaml says more.

export interface Song {
  id: string;
  title: string;
  artist: string;
  album: string;
  album_artist: string;
  album_id: string | null;
  artist_id: string;
  track: number | null;
  disc: number | null;
  year: number | null;
  genres: string[];
  duration_ms: number;
  format: string;
  content_type: string;
  bit_rate: number | null;
  sample_rate: number | null;
  bits_per_sample: number | null;
  size: number;
  audio_hash: string;
  cover_hash: string | null;
  first_stored: string;
}

export interface Album {
  id: string;
  title: string;
  artist: string;
  artist_id: string;
  year: number | null;
  genres: string[];
  song_count: number;
  duration_ms: number;
  cover_song: string | null;
  newest: string;
}

export interface Artist {
  id: string;
  name: string;
  album_count: number;
  song_count: number;
  cover_song: string | null;
}

export interface Genre {
  name: string;
  song_count: number;
  album_count: number;
}

export interface Page<T> {
  items: T[];
  next: string | null;
  partial: boolean;
}

export type AlbumDetail = Album & { songs: Song[]; partial: boolean };
export type ArtistDetail = Artist & { albums: Album[]; appears_on: Album[]; partial: boolean };

/** Offset and length count Unicode code points. */
export interface Highlight {
  field: 'title' | 'artist' | 'album';
  offset: number;
  length: number;
}
export interface Match {
  score: number;
  highlights: Highlight[];
}

export interface SearchResults {
  songs: (Song & Match)[];
  albums: (Album & Match)[];
  artists: (Artist & Match)[];
  next: string | null;
  partial: boolean;
}

export interface Loudness {
  integrated_lufs: number;
  true_peak: number;
  range_lu: number;
  track_gain_db: number;
}
export interface DerivedFacts {
  loudness: Loudness | null;
  waveform: number[];
  damaged: string | null;
}

export interface Totals {
  songs: number;
  albums: number;
  artists: number;
  genres: number;
  bytes: number;
  duration_ms: number;
}

export type Role = 'listener' | 'uploader' | 'admin';
export interface Session {
  token: string;
  user: string;
  role: Role;
  expires: string;
}

export interface Uploaded {
  song: Song;
  added: boolean;
  same_audio: boolean;
  searchable: boolean;
}

export type ContactState = 'live' | 'suspected' | 'dead' | 'candidate';
export interface Contact {
  id: string;
  endpoint: string;
  state: ContactState;
  round_trip_ms: number | null;
}
/** A member as the node asked sees it. */
export interface Member {
  id: string;
  name?: string;
  /** Where listeners reach it. */
  http?: string[];
  state: ContactState;
  /** It hands its songs over before it ends. */
  leaving?: boolean;
  round_trip_ms: number | null;
  stored_bytes?: number | null;
  capacity_bytes?: number | null;
}
export interface Network {
  self: string;
  endpoint: string;
  estimated_nodes: number;
  joined: boolean;
  link_suspected: boolean;
  buckets: { shared_bits: number; contacts: Contact[]; candidates: Contact[] }[];
  nodes?: Member[];
}

export interface Holders {
  holders: { node: string; state: ContactState; self: boolean }[];
  source: string | null;
}

/** RFC 9457. */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  code: string;
  missing?: ('title' | 'artist')[];
}
