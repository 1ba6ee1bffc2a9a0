// SPDX-License-Identifier: AGPL-3.0-or-later

export type Theme = 'auto' | 'dark' | 'light';

interface Stored {
  language: string | null;
  theme: Theme;
  volume: number;
  levelling: boolean;
}

const key = 'kadenza.preferences';
const defaults: Stored = { language: null, theme: 'auto', volume: 1, levelling: true };

/** What this browser's listener chose. */
class Preferences {
  #stored = $state<Stored>(defaults);

  constructor() {
    try {
      this.#stored = { ...defaults, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Stored>) };
    } catch {
      // Somebody else's text under our name: the defaults stand.
    }
  }

  get language() {
    return this.#stored.language;
  }
  set language(language: string | null) {
    this.#keep({ language });
  }
  get theme() {
    return this.#stored.theme;
  }
  set theme(theme: Theme) {
    this.#keep({ theme });
  }
  get volume() {
    return this.#stored.volume;
  }
  set volume(volume: number) {
    this.#keep({ volume });
  }
  get levelling() {
    return this.#stored.levelling;
  }
  set levelling(levelling: boolean) {
    this.#keep({ levelling });
  }

  #keep(changes: Partial<Stored>): void {
    this.#stored = { ...this.#stored, ...changes };
    localStorage.setItem(key, JSON.stringify(this.#stored));
  }
}

export const preferences = new Preferences();
