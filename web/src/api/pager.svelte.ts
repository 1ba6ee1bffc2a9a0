// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ApiError } from './client';
import type { Page } from './types';

/** A list that is read page by page. */
export class Pager<T> {
  items = $state.raw<T[]>([]);
  loading = $state(false);
  error = $state.raw<ApiError | null>(null);
  partial = $state(false);
  done = $state(false);
  #cursor: string | null = null;

  constructor(private readonly read: (cursor: string | null) => Promise<Page<T>>) {}

  /** Reads the next page, unless one is being read or there is none. */
  async more(): Promise<void> {
    if (this.loading || this.done) return;
    this.loading = true;
    this.error = null;
    try {
      const page = await this.read(this.#cursor);
      this.items = [...this.items, ...page.items];
      this.partial ||= page.partial;
      this.#cursor = page.next;
      this.done = page.next === null;
    } catch (error) {
      this.error = error as ApiError;
    } finally {
      this.loading = false;
    }
  }
}

/** One answer, asked for at once and again by `load`. */
export class Answer<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);

  constructor(private readonly ask: () => Promise<T>) {
    void this.load();
  }

  load = async (): Promise<void> => {
    this.error = null;
    try {
      this.value = await this.ask();
    } catch (error) {
      this.error = error as ApiError;
    }
  };
}
