// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Highlight } from '../api/types';

export interface Piece {
  text: string;
  marked: boolean;
}

/** A text cut into marked and plain pieces; offsets and lengths count code points. Pure. */
export function pieces(text: string, highlights: readonly Pick<Highlight, 'offset' | 'length'>[]): Piece[] {
  const points = [...text];
  const marked = new Array<boolean>(points.length).fill(false);
  for (const { offset, length } of highlights) marked.fill(true, offset, offset + length);
  const result: Piece[] = [];
  points.forEach((point, index) => {
    const last = result[result.length - 1];
    if (last?.marked === marked[index]) last.text += point;
    else result.push({ text: point, marked: marked[index] });
  });
  return result;
}
