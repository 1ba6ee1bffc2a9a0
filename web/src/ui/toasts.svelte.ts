// SPDX-License-Identifier: AGPL-3.0-or-later

export interface Toast {
  id: number;
  text: string;
}

const shownMs = 4_500;
let next = 1;
let shown = $state.raw<Toast[]>([]);

export const toasts = (): Toast[] => shown;

/** Says something in passing. */
export function toast(text: string): void {
  const id = next++;
  shown = [...shown.slice(-2), { id, text }];
  setTimeout(() => (shown = shown.filter((one) => one.id !== id)), shownMs);
}
