// SPDX-License-Identifier: AGPL-3.0-or-later

const windowMs = 3_000;

/** Bytes per second over the last moments. */
export class Speed {
  #pieces: { bytes: number; at: number }[] = [];

  add(bytes: number, now: number): number {
    this.#pieces.push({ bytes, at: now });
    this.#pieces = this.#pieces.filter((piece) => piece.at > now - windowMs);
    const total = this.#pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    const spanMs = Math.max(250, now - this.#pieces[0].at);
    return (total / spanMs) * 1000;
  }
}
