// SPDX-License-Identifier: AGPL-3.0-or-later
import { access, logIn, logOut, redeem } from './api/client';
import type { Session } from './api/types';
import { setSetting, setting } from './storage/database';
import { middleware } from './middleware.svelte';

const codeOfLink = () => /^#code=([^&]+)$/.exec(location.hash)?.[1];

/** Who listens. Tokens are kept in IndexedDB, where the worker finds them too. */
class CurrentSession {
  current = $state.raw<Session | null>(null);
  /** A log-in that had been valid was refused. */
  expired = $state(false);

  get mayUpload(): boolean {
    return this.current !== null && this.current.role !== 'listener';
  }

  /** Takes up the last session, or exchanges the one-time code of a link (#code=…). */
  async start(): Promise<void> {
    access.refused = () => void this.#refused();
    await this.#take((await setting('session')) ?? null);
    await this.#redeemLink();
  }

  async logIn(user: string, password: string): Promise<void> {
    await this.#take(await logIn(user, password));
  }

  async logOut(): Promise<void> {
    await logOut().catch(() => {}); // a node that cannot be reached lets the token expire
    await this.#take(null);
  }

  /** A link that is opened while the player is open changes only the fragment: it begins anew. */
  async #redeemLink(): Promise<void> {
    window.addEventListener('hashchange', () => codeOfLink() && location.reload(), { once: true });
    const code = codeOfLink();
    if (!code) return;
    history.replaceState(history.state, '', location.pathname + location.search);
    await this.#take(await redeem(decodeURIComponent(code)));
  }

  async #refused(): Promise<void> {
    if (!this.current) return;
    await this.#take(null);
    this.expired = true;
  }

  async #take(session: Session | null): Promise<void> {
    await setSetting('session', session ?? undefined);
    access.token = session?.token ?? '';
    middleware.sessionChanged();
    this.expired = false;
    this.current = session;
  }
}

export const session = new CurrentSession();
