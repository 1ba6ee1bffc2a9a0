// SPDX-License-Identifier: AGPL-3.0-or-later
import { preferences } from '../preferences.svelte';
import type { Messages } from './en';

export const languages = { en: 'English', es: 'Español' } as const;
export type Language = keyof typeof languages;

const load: Record<Language, () => Promise<{ messages: Messages }>> = {
  en: () => import('./en'),
  es: () => import('./es'),
};

/** The first language of the browser that there are words for. Pure. */
export function chosenLanguage(preferred: string | null, offered: readonly string[]): Language {
  for (const tag of preferred ? [preferred, ...offered] : offered) {
    const language = tag.toLowerCase().split('-')[0];
    if (language in languages) return language as Language;
  }
  return 'en';
}

let messages = $state.raw<Messages>({} as Messages);
let current = $state<Language>('en');

export function language(): Language {
  return current;
}

export async function speak(wanted: Language): Promise<void> {
  messages = (await load[wanted]()).messages;
  current = wanted;
  document.documentElement.lang = wanted;
}

export const startLanguage = () => speak(chosenLanguage(preferences.language, navigator.languages));

type Plural = { one: string; other: string };

/** The words for a key; {name} is replaced, and `n` chooses between singular and plural. */
export function t(key: keyof Messages, values: Record<string, string | number> = {}): string {
  const found: string | Plural | undefined = messages[key];
  if (found === undefined) return key;
  const text =
    typeof found === 'string'
      ? found
      : found[new Intl.PluralRules(current).select(Number(values.n)) === 'one' ? 'one' : 'other'];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === 'number' ? value.toLocaleString(current) : value;
  });
}
