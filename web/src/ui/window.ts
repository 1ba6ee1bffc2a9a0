// SPDX-License-Identifier: AGPL-3.0-or-later

/** Which of `count` rows to draw when the view begins `top` pixels below the first. Pure. */
export function windowOf(top: number, viewHeight: number, rowHeight: number, count: number, spare: number) {
  const first = Math.floor(top / rowHeight) - spare;
  const last = Math.ceil((top + viewHeight) / rowHeight) + spare;
  return { first: Math.min(count, Math.max(0, first)), last: Math.min(count, Math.max(0, last)) };
}
