// SPDX-License-Identifier: AGPL-3.0-or-later
// Numbers as people read them. Pure but for the language.
import { language, t } from './i18n/index.svelte';

/** 3:07, 1:02:09. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const pad = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** "52 min", "2 h 05 min". */
export function span(milliseconds: number): string {
  const minutes = Math.max(1, Math.round(milliseconds / 60_000));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** "5.4 MB", in powers of ten. */
export function bytes(count: number): string {
  let unit = 0;
  while (count >= 999.5 && unit < units.length - 1) {
    count /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || count >= 99.5 ? 0 : 1;
  return `${count.toLocaleString(language(), { maximumFractionDigits: digits })} ${units[unit]}`;
}

export const decimal = (value: number, digits = 1): string =>
  value.toLocaleString(language(), { maximumFractionDigits: digits });

/** What stands under a cover: "2019 · 12 songs · 48 min". */
export function joined(...parts: (string | number | null | undefined | false)[]): string {
  return parts.filter((part) => part || part === 0).join(' · ');
}

export const songCount = (n: number): string => t('count.songs', { n });
export const albumCount = (n: number): string => t('count.albums', { n });
