// SPDX-License-Identifier: AGPL-3.0-or-later
import type * as api from './types';

/** A request that failed: `code` is the node's, or "unreachable" when no node answered. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly detail: string,
    readonly retryAfterS: number | null = null,
  ) {
    super(detail);
  }
  get unreachable(): boolean {
    return this.code === 'unreachable';
  }
}

/** Who is logged in; kept by the session. */
export const access = { token: '', refused: () => {} };

/** The problem that a node's answer describes; proxies and dying nodes may answer anything. */
export async function problemOf(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get('Retry-After') ?? NaN);
  const problem = (await response.json().catch(() => ({}))) as Partial<api.Problem>;
  return new ApiError(
    problem.code ?? `http_${response.status}`,
    response.status,
    problem.detail ?? response.statusText,
    Number.isFinite(retryAfter) ? retryAfter : null,
  );
}

async function request<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = {};
  if (access.token) headers.Authorization = `Bearer ${access.token}`;
  if (body) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers, signal, body: body && JSON.stringify(body) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('unreachable', 0, String(error));
  }
  if (response.status === 401 && access.token) access.refused();
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export type Query = Record<string, string | number | null | undefined>;

/** "path?name=value", without what is empty. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

const get = <T>(path: string, query: Query = {}, signal?: AbortSignal) =>
  request<T>('GET', withQuery(path, query), undefined, signal);

export const albums = (query: Query) => get<api.Page<api.Album>>('/albums', query);
export const album = (id: string) => get<api.AlbumDetail>(`/albums/${id}`);
export const artists = (query: Query) => get<api.Page<api.Artist>>('/artists', query);
export const artist = (id: string) => get<api.ArtistDetail>(`/artists/${id}`);
export const genres = (query: Query) => get<api.Page<api.Genre>>('/genres', query);
export const songs = (query: Query) => get<api.Page<api.Song>>('/songs', query);
export const search = (q: string, signal: AbortSignal) =>
  get<api.SearchResults>('/search', { q, songs: 30, albums: 12, artists: 12 }, signal);
export const derivedFacts = (id: string, signal?: AbortSignal) =>
  get<api.DerivedFacts>(`/songs/${id}/waveform`, {}, signal);
export const totals = () => get<api.Totals>('/totals');
export const network = () => get<api.Network>('/network');
/** A real lookup: whoever it meets on its way, the node asked hears of. */
export const lookup = (key: string) => get<unknown>(`/network/lookup/${key}`);
export const holders = (id: string) => get<api.Holders>(`/songs/${id}/holders`);

export const logIn = (user: string, password: string) =>
  request<api.Session>('POST', '/session', { user, password });
export const redeem = (code: string) => request<api.Session>('POST', '/session', { code });
export const logOut = () => request<void>('DELETE', '/session');
export const oneTimeCode = () => request<{ code: string; expires_in_s: number }>('POST', '/session/code');

/**
 * The address of a song's audio or cover for elements, which cannot set header fields. The service worker adds the
 * log-in to them; without it the log-in goes into the address (RFC 6750, section 2.3), which nodes leave out of logs.
 */
function mediaUrl(path: string, query: Query = {}): string {
  const worker = globalThis.navigator?.serviceWorker?.controller;
  return '/api/v1' + withQuery(path, worker ? query : { ...query, access_token: access.token });
}
export const audioUrl = (id: string) => mediaUrl(`/songs/${id}/audio`);
export const downloadUrl = (id: string) => mediaUrl(`/songs/${id}/audio`, { download: 1 });
export const coverUrl = (id: string, size: number) => mediaUrl(`/songs/${id}/cover`, { size });
