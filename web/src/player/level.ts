// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Loudness } from '../api/types';

/** ReplayGain's reference is -18 LUFS; streaming services and listeners are used to about -14. */
const preampDb = 4;
/** Headroom for what decoding may add above the measured true peak. */
const peakMax = 0.97;
/** Until a song's loudness is known it plays as if it were of today's usual loudness, so that it does not startle. */
const unknownGain = 10 ** (-4 / 20);

/**
 * The factor for a song's samples so that all songs sound equally loud and none clips. `album`: the songs of one album
 * played in a row share one gain, so that the album keeps its own dynamics. Pure.
 */
export function levelGain(song: Loudness | null, album: readonly Loudness[] = []): number {
  const all = album.length > 0 ? album : song ? [song] : [];
  if (all.length === 0) return unknownGain;
  const power = all.reduce((sum, one) => sum + 10 ** (one.integrated_lufs / 10), 0) / all.length;
  const gainDb = -18 - 10 * Math.log10(power) + preampDb;
  const peak = Math.max(...all.map((one) => one.true_peak));
  return Math.min(10 ** (gainDb / 20), peak > 0 ? peakMax / peak : 1);
}
