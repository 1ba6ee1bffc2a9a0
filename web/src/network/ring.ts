// SPDX-License-Identifier: AGPL-3.0-or-later
import { unitOf } from '../library/base32';

export interface Point {
  x: number;
  y: number;
  /** Turned clockwise from the top, in radians. */
  angle: number;
}

/** Where an angle lies on a circle about the origin. Pure. */
export function onCircle(angle: number, radius: number): Point {
  return { x: Math.sin(angle) * radius, y: -Math.cos(angle) * radius, angle };
}

/** Where an id lies on the ring of all ids. Pure. */
export const angleOf = (id: string): number => unitOf(id) * 2 * Math.PI;

/**
 * Angles for marks of sorted ids, moved apart just so far that they do not cover each other. The order stays. Pure.
 */
export function spread(angles: readonly number[], gap: number): number[] {
  const room = (2 * Math.PI) / Math.max(1, angles.length);
  const least = Math.min(gap, room * 0.98);
  const moved = [...angles];
  for (let pass = 0; pass < 60; pass += 1) {
    for (let i = 0; i < moved.length && moved.length > 1; i += 1) {
      const next = (i + 1) % moved.length;
      const turn = next === 0 ? 2 * Math.PI : 0;
      const lack = least - (moved[next] + turn - moved[i]);
      if (lack <= 0) continue;
      moved[i] -= lack / 2;
      moved[next] += lack / 2;
    }
  }
  return moved;
}

/** A line from one point of the circle to another that bends towards its middle. Pure. */
export const chord = (from: Point, to: Point): string => `M${from.x} ${from.y}Q0 0 ${to.x} ${to.y}`;
