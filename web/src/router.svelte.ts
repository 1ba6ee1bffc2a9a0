// SPDX-License-Identifier: AGPL-3.0-or-later

export interface Place {
  path: string;
  query: URLSearchParams;
}

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

let place = $state.raw<Place>(here());
/** How far each visited place was scrolled, by its number in the history. */
const scrolled = new Map<number, number>();
let visit = (history.state as { visit?: number } | null)?.visit ?? 0;
let restore: number | null = null;

export const current = (): Place => place;

/** Where the page that is shown next should be scrolled to; asked once, when it has its content. */
export function takeScroll(): number {
  const y = restore ?? 0;
  restore = null;
  return y;
}

export function go(url: string, { replace = false } = {}): void {
  scrolled.set(visit, scrollY);
  if (!replace) visit += 1;
  history[replace ? 'replaceState' : 'pushState']({ visit }, '', url);
  restore = replace ? scrollY : 0;
  place = here();
}

/** Plain clicks on links within the player change the place without loading a page. */
function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element).closest('a');
  if (!link || link.origin !== location.origin || link.hasAttribute('download') || link.target) return;
  if (link.pathname.startsWith('/api/')) return;
  event.preventDefault();
  if (link.href !== location.href) go(link.pathname + link.search);
}

export function startRouter(): void {
  history.scrollRestoration = 'manual';
  history.replaceState({ visit }, '');
  window.addEventListener('click', follow);
  window.addEventListener('popstate', (event) => {
    scrolled.set(visit, scrollY);
    visit = (event.state as { visit?: number } | null)?.visit ?? 0;
    restore = scrolled.get(visit) ?? 0;
    place = here();
  });
}
