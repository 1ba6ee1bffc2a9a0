// SPDX-License-Identifier: AGPL-3.0-or-later

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Lower-case base32 without padding (RFC 4648): how ids and hashes are written. Pure. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >> bits) & 31];
    }
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text;
}

/** Where an id lies between 0 and 1, by its first 50 bits. Pure. */
export function unitOf(id: string): number {
  let unit = 0;
  for (let i = Math.min(10, id.length) - 1; i >= 0; i -= 1) unit = (unit + Math.max(0, alphabet.indexOf(id[i]))) / 32;
  return unit;
}
