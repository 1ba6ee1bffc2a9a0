// SPDX-License-Identifier: AGPL-3.0-or-later
import { access, ApiError, withQuery } from '../api/client';
import type { Problem, Uploaded } from '../api/types';

export interface Tags {
  title?: string;
  artist?: string;
  album?: string;
}

/** What a node refused, with the tags that it lacks. */
export class Refused extends ApiError {
  constructor(problem: Partial<Problem>, status: number) {
    super(problem.code ?? `http_${status}`, status, problem.detail ?? '');
    this.missing = problem.missing ?? [];
  }
  readonly missing: ('title' | 'artist')[];
}

/**
 * Sends one file to one node. XMLHttpRequest, because fetch does not tell how much has been sent. May be repeated: a
 * song that is there already stays what it is.
 */
export function send(
  node: string, file: File, tags: Tags, signal: AbortSignal, onprogress: (bytes: number) => void,
): Promise<Uploaded> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', node + withQuery('/api/v1/songs', { ...tags }));
    request.setRequestHeader('Authorization', `Bearer ${access.token}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (event) => onprogress(event.loaded);
    request.onload = () => {
      const answer = request.response as Uploaded | Problem | null;
      if (request.status === 200 || request.status === 201) resolve(answer as Uploaded);
      else reject(new Refused((answer as Problem | null) ?? {}, request.status));
    };
    request.onerror = () => reject(new ApiError('unreachable', 0, ''));
    request.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}

/** The node cannot take it at this moment; another, or the same later, may. Pure. */
export function worthRetry(error: unknown): boolean {
  return error instanceof ApiError && (error.unreachable || [408, 429, 502, 503, 504].includes(error.status));
}
