// SPDX-License-Identifier: AGPL-3.0-or-later
import { ApiError, derivedFacts } from '../api/client';
import type { DerivedFacts } from '../api/types';

const kept = new Map<string, Promise<DerivedFacts | null>>();
const keptMax = 200;
const attempts = 20;

/** Nodes compute them after an upload, and say when to ask again. */
async function ask(id: string): Promise<DerivedFacts | null> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      return await derivedFacts(id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 503) break;
      await new Promise((done) => setTimeout(done, 1000 * (error.retryAfterS ?? 2)));
    }
  }
  kept.delete(id);
  return null;
}

/** Loudness and waveform of a song, asked once; null when no node knows them. */
export function factsOf(id: string): Promise<DerivedFacts | null> {
  let facts = kept.get(id);
  if (!facts) {
    facts = ask(id);
    kept.set(id, facts);
    if (kept.size > keptMax) kept.delete(kept.keys().next().value!);
  }
  return facts;
}
