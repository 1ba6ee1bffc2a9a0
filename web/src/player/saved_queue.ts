// SPDX-License-Identifier: AGPL-3.0-or-later
import { emptyQueue, type Queue } from './queue';

const key = 'kadenza.queue';

export interface Saved {
  queue: Queue;
  timeS: number;
}

export function loadQueue(): Saved {
  try {
    const saved = JSON.parse(localStorage.getItem(key) ?? 'null') as Saved | null;
    if (saved && Array.isArray(saved.queue.entries)) return { queue: { ...emptyQueue, ...saved.queue }, timeS: saved.timeS };
  } catch {
    // Not ours: begin anew.
  }
  return { queue: emptyQueue, timeS: 0 };
}

/** The queue survives a reload; one too large for the browser's store is forgotten. */
export function saveQueue(saved: Saved): void {
  try {
    localStorage.setItem(key, JSON.stringify(saved));
  } catch {
    localStorage.removeItem(key);
  }
}
