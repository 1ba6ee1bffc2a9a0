// SPDX-License-Identifier: AGPL-3.0-or-later

/** The loudest value under each of `count` bars, against the loudest of all; quiet passages stay visible. Pure. */
export function bars(values: readonly number[], count: number): number[] {
  const peak = Math.max(1, ...values);
  return Array.from({ length: count }, (_, index) => {
    if (values.length === 0) return 0;
    const first = Math.floor((index * values.length) / count);
    const last = Math.max(first + 1, Math.floor(((index + 1) * values.length) / count));
    let loudest = 0;
    for (let i = first; i < last; i += 1) loudest = Math.max(loudest, values[i]);
    return (loudest / peak) ** 0.9;
  });
}
