// SPDX-License-Identifier: AGPL-3.0-or-later
// A hue for everything that has a cover: the cover's own, or one that follows from the id.

const sampled = 24;
const binCount = 24;
/** Below this mean chroma the cover counts as grey, and so does the page around it. */
const chromaMin = 0.018;

/** A number in [0, 1) that follows from a text; the same everywhere. Pure (FNV-1a). */
export function fraction(text: string, salt = 0): number {
  let hash = 0x811c9dc5 ^ salt;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) / 2 ** 32;
}

export const hueOf = (id: string): number => Math.floor(fraction(id) * 360);

/** Chroma and hue (degrees) of an sRGB colour in OKLCH (Ottosson, "A perceptual color space", 2020). Pure. */
function chromaAndHue(red: number, green: number, blue: number): [number, number] {
  const [r, g, b] = [red, green, blue].map((value) => (value / 255) ** 2.2);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  const x = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
  const y = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
  return [Math.hypot(x, y), ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360];
}

/** The hue, in degrees, that the colours of most weight in RGBA pixels have; null when there is hardly a colour. Pure. */
export function dominantHue(pixels: Uint8ClampedArray): number | null {
  const bins = new Float64Array(binCount);
  let chromaAll = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const [chroma, hue] = chromaAndHue(pixels[i], pixels[i + 1], pixels[i + 2]);
    chromaAll += chroma;
    // Neighbouring bins take their part, so that a hue between two is not outvoted.
    const bin = Math.floor((hue / 360) * binCount) % binCount;
    for (const offset of [-1, 0, 1]) bins[(bin + offset + binCount) % binCount] += chroma ** 2 / (1 + Math.abs(offset));
  }
  if (chromaAll / (pixels.length / 4) < chromaMin) return null;
  return Math.round(((bins.indexOf(Math.max(...bins)) + 0.5) / binCount) * 360);
}

/** The hue of a picture that the page may read. */
export function hueOfImage(image: HTMLImageElement): number | null {
  const canvas = new OffscreenCanvas(sampled, sampled);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(image, 0, 0, sampled, sampled);
  return dominantHue(context.getImageData(0, 0, sampled, sampled).data);
}
