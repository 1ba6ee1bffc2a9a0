// SPDX-License-Identifier: AGPL-3.0-or-later
import type { ApiError } from '../api/client';
import type { Song } from '../api/types';
import { middleware } from '../middleware.svelte';
import { guessTags, looksLikeAudio } from './files';
import { Refused, send, worthRetry, type Tags } from './send';
import { Speed } from './speed';

export type Outcome = 'waiting' | 'sending' | 'added' | 'there' | 'other_audio' | 'untagged' | 'refused' | 'failed' | 'cancelled';

const atOnce = 3;
const attempts = 4;
const pauseMs = 800;

/** One file on its way. */
export class Upload {
  readonly key: number;
  readonly file: File;
  outcome = $state<Outcome>('waiting');
  sent = $state(0);
  song = $state.raw<Song | null>(null);
  searchable = $state(true);
  why = $state('');
  missing = $state.raw<('title' | 'artist')[]>([]);
  tags = $state<Tags>({});
  controller = new AbortController();

  constructor(key: number, file: File) {
    this.key = key;
    this.file = file;
  }
  get over(): boolean {
    return this.outcome !== 'waiting' && this.outcome !== 'sending';
  }
}

/** Sends files to the network, some at a time, and keeps what became of each. Lives as long as the page. */
class Uploads {
  all = $state.raw<Upload[]>([]);
  /** Files that were left out because they are no audio. */
  ignored = $state(0);
  bytesPerSecond = $state(0);
  #speed = new Speed();
  #nextKey = 1;
  #running = 0;

  get bytes(): number {
    return this.all.reduce((sum, one) => sum + one.file.size, 0);
  }
  get sent(): number {
    return this.all.reduce((sum, one) => sum + (one.over ? one.file.size : Math.min(one.sent, one.file.size)), 0);
  }
  get active(): boolean {
    return this.all.some((one) => !one.over);
  }
  count(...outcomes: Outcome[]): number {
    return this.all.filter((one) => outcomes.includes(one.outcome)).length;
  }

  add(files: File[]): void {
    const songs = files.filter((file) => looksLikeAudio(file.name));
    this.ignored += files.length - songs.length;
    this.all = [...this.all, ...songs.map((file) => new Upload(this.#nextKey++, file))];
    this.#fill();
  }

  cancel(upload: Upload): void {
    upload.controller.abort();
    if (upload.outcome === 'waiting') upload.outcome = 'cancelled';
  }
  cancelAll(): void {
    for (const upload of this.all) if (!upload.over) this.cancel(upload);
  }

  /** Sends a file once more, with what was filled in. */
  retry(upload: Upload): void {
    upload.controller = new AbortController();
    upload.sent = 0;
    upload.why = '';
    upload.outcome = 'waiting';
    this.#fill();
  }
  retryAll(): void {
    for (const upload of this.all) if (upload.outcome === 'failed' || upload.outcome === 'cancelled') this.retry(upload);
  }

  /** Forgets what is over. */
  clear(): void {
    this.all = this.all.filter((one) => !one.over);
    this.ignored = 0;
  }

  #fill(): void {
    while (this.#running < atOnce) {
      const next = this.all.find((one) => one.outcome === 'waiting');
      if (!next) return;
      next.outcome = 'sending';
      this.#running += 1;
      void this.#run(next).finally(() => {
        this.#running -= 1;
        if (this.#running === 0) this.bytesPerSecond = 0;
        this.#fill();
      });
    }
  }

  async #run(upload: Upload): Promise<void> {
    try {
      const answer = await this.#sendSomewhere(upload);
      upload.song = answer.song;
      upload.searchable = answer.searchable;
      upload.outcome = answer.added ? 'added' : answer.same_audio ? 'there' : 'other_audio';
    } catch (error) {
      this.#settle(upload, error);
    }
  }

  #settle(upload: Upload, error: unknown): void {
    if (upload.controller.signal.aborted) {
      upload.outcome = 'cancelled';
    } else if (error instanceof Refused && error.missing.length > 0) {
      upload.missing = error.missing;
      upload.tags = { ...guessTags(upload.file.name), ...upload.tags };
      upload.outcome = 'untagged';
    } else {
      upload.why = (error as ApiError).detail;
      upload.outcome = worthRetry(error) ? 'failed' : 'refused';
    }
  }

  /** To the best node; to the next when it cannot, and after a pause to the first again. */
  async #sendSomewhere(upload: Upload) {
    for (let attempt = 0; ; attempt += 1) {
      const nodes = await middleware.nodes();
      try {
        let shown = 0;
        return await send(nodes[attempt % nodes.length], upload.file, upload.tags, upload.controller.signal, (bytes) => {
          this.bytesPerSecond = this.#speed.add(Math.max(0, bytes - shown), performance.now());
          shown = bytes;
          upload.sent = bytes;
        });
      } catch (error) {
        if (upload.controller.signal.aborted || !worthRetry(error) || attempt + 1 >= attempts) throw error;
        upload.sent = 0;
        await new Promise((done) => setTimeout(done, pauseMs * (attempt + 1)));
      }
    }
  }
}

export const uploads = new Uploads();
