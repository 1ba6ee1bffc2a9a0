// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ApiError } from '../api/client';

/** An answer that is asked for again and again while its component is shown and the page is seen. */
export function live<T>(ask: () => Promise<T>, everyMs = 1_500) {
  let value = $state.raw<T | null>(null);
  let error = $state.raw<ApiError | null>(null);

  $effect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    const again = async () => {
      if (!document.hidden) {
        try {
          const answer = await ask();
          if (!stopped) [value, error] = [answer, null];
        } catch (failed) {
          if (!stopped) error = failed as ApiError;
        }
      }
      if (!stopped) timer = setTimeout(again, everyMs);
    };
    void again();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  });

  return {
    get value() {
      return value;
    },
    get error() {
      return error;
    },
  };
}
