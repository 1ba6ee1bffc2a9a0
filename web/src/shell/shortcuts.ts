// SPDX-License-Identifier: AGPL-3.0-or-later
import { player } from '../player/player.svelte';

const seekS = 5;
const volumeStep = 0.05;

/** What keys do anywhere but in text fields; the settings page lists them. */
export function shortcuts(event: KeyboardEvent, actions: { nowPlaying: () => void }): void {
  const target = event.target as HTMLElement;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
  const onControl = target.closest('button, a, summary, [role="slider"], [popover]') !== null;

  const keys: Record<string, () => void> = {
    '/': () => document.getElementById('search')?.focus(),
    ArrowLeft: () => player.seek(player.timeS - seekS),
    ArrowRight: () => player.seek(player.timeS + seekS),
    ArrowUp: () => (player.volume += volumeStep),
    ArrowDown: () => (player.volume -= volumeStep),
    n: () => player.next(),
    p: () => player.previous(),
    s: () => player.toggleShuffle(),
    r: () => player.cycleRepeat(),
    m: () => (player.volume = player.volume > 0 ? 0 : 1),
    f: actions.nowPlaying,
  };
  if (!onControl) keys[' '] = () => player.toggle();
  // Arrows scroll the page up and down unless something plays.
  if (!player.song || onControl) delete keys.ArrowUp, delete keys.ArrowDown;
  const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
}
