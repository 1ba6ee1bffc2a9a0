// SPDX-License-Identifier: AGPL-3.0-or-later
// Byte ranges (RFC 9110, section 14), as far as media elements ask for them. Pure.

/** Inclusive, as in the header fields; `last` null: to the end. */
export interface ByteRange {
  first: number;
  last: number | null;
}

/** "bytes=5-" or "bytes=5-9"; null for anything else, which is answered with the whole. */
export function parseRange(field: string | null): ByteRange | null {
  const found = /^bytes=(\d+)-(\d*)$/.exec(field?.trim() ?? '');
  if (!found) return null;
  const range = { first: Number(found[1]), last: found[2] === '' ? null : Number(found[2]) };
  return range.last !== null && range.last < range.first ? null : range;
}

/** "bytes 5-9/100" of an answer. */
export function parseContentRange(field: string | null): { first: number; last: number; size: number } | null {
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(field ?? '');
  return found ? { first: Number(found[1]), last: Number(found[2]), size: Number(found[3]) } : null;
}

/** The answer to a request for (a part of) bytes that are all here. */
export function answerFrom(blob: Blob, contentType: string, field: string | null): Response {
  const headers = { 'Content-Type': contentType, 'Accept-Ranges': 'bytes' };
  const range = parseRange(field);
  if (!range) return new Response(blob, { headers: { ...headers, 'Content-Length': String(blob.size) } });
  if (range.first >= blob.size)
    return new Response(null, { status: 416, headers: { ...headers, 'Content-Range': `bytes */${blob.size}` } });
  const last = Math.min(range.last ?? blob.size - 1, blob.size - 1);
  return new Response(blob.slice(range.first, last + 1), {
    status: 206,
    headers: {
      ...headers,
      'Content-Length': String(last - range.first + 1),
      'Content-Range': `bytes ${range.first}-${last}/${blob.size}`,
    },
  });
}
