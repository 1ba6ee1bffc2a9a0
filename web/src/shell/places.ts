// SPDX-License-Identifier: AGPL-3.0-or-later
import ArrowUpFromLine from '@lucide/svelte/icons/arrow-up-from-line';
import CloudOff from '@lucide/svelte/icons/cloud-off';
import Disc from '@lucide/svelte/icons/disc-3';
import House from '@lucide/svelte/icons/house';
import Mic from '@lucide/svelte/icons/mic-vocal';
import Music from '@lucide/svelte/icons/music';
import Orbit from '@lucide/svelte/icons/orbit';
import Shapes from '@lucide/svelte/icons/shapes';

/** The places of the player; `also`: paths that belong to one. */
export const home = { path: '/', label: 'nav.home', icon: House, also: [] as string[] } as const;
export const library = [
  { path: '/albums', label: 'nav.albums', icon: Disc, also: ['/album/'] },
  { path: '/artists', label: 'nav.artists', icon: Mic, also: ['/artist/'] },
  { path: '/songs', label: 'nav.songs', icon: Music, also: [] },
  { path: '/genres', label: 'nav.genres', icon: Shapes, also: ['/genre/'] },
  { path: '/kept', label: 'nav.kept', icon: CloudOff, also: [] },
] as const;
export const upload = { path: '/upload', label: 'nav.upload', icon: ArrowUpFromLine, also: [] as string[] } as const;
export const network = { path: '/network', label: 'nav.network', icon: Orbit, also: [] as string[] } as const;

export const isAt = (place: { path: string; also: readonly string[] }, path: string): boolean =>
  path === place.path || place.also.some((prefix) => path.startsWith(prefix));
