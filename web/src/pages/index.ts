// SPDX-License-Identifier: AGPL-3.0-or-later
// Which page stands at which path. All are loaded at once: together they are smaller than one cover.
import type { Component } from 'svelte';

import { match } from '../paths';
import Album from './Album.svelte';
import Albums from './Albums.svelte';
import Artist from './Artist.svelte';
import Artists from './Artists.svelte';
import Certificate from './Certificate.svelte';
import Genre from './Genre.svelte';
import Genres from './Genres.svelte';
import Home from './Home.svelte';
import Kept from './Kept.svelte';
import Network from './Network.svelte';
import NotFound from './NotFound.svelte';
import Search from './Search.svelte';
import Settings from './Settings.svelte';
import Songs from './Songs.svelte';
import Upload from './Upload.svelte';

type Values = Record<string, string>;
type Page = Component<Values>;

const pages: Record<string, Component | Component<{ id: string }> | Component<{ name: string }>> = {
  '/': Home,
  '/albums': Albums,
  '/album/{id}': Album,
  '/artists': Artists,
  '/artist/{id}': Artist,
  '/songs': Songs,
  '/genres': Genres,
  '/genre/{name}': Genre,
  '/search': Search,
  '/kept': Kept,
  '/upload': Upload,
  '/network': Network,
  '/settings': Settings,
  '/certificate': Certificate,
};

export function pageFor(path: string): { Page: Page; values: Values } {
  for (const [pattern, page] of Object.entries(pages)) {
    const values = match(pattern, path);
    if (values) return { Page: page as Page, values };
  }
  return { Page: NotFound as Page, values: {} };
}
