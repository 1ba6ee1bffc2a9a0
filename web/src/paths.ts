// SPDX-License-Identifier: AGPL-3.0-or-later

/** The {…} of a pattern such as "/album/{id}", or null when the path is another one. Pure. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const parts = path.split('/');
  if (wanted.length !== parts.length) return null;
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith('{')) {
      if (!parts[index]) return null;
      values[part.slice(1, -1)] = decodeURIComponent(parts[index]);
    } else if (part !== parts[index]) return null;
  }
  return values;
}
