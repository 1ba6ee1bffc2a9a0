// SPDX-License-Identifier: AGPL-3.0-or-later
import type { FromWorker, ToWorker } from './worker/messages';

/** How long the first start of the worker may take before the page says that it is missing. */
const patienceMs = 10_000;

/** The page's end of the service worker: whether it is there, which nodes it knows, where the sound comes from. */
class Middleware {
  /** No worker, so neither failover nor songs for offline: the page was not opened over HTTPS (or localhost). */
  missing = $state(false);
  /** Node or "kept" that the bytes of a song come from, by song. */
  source = $state.raw<{ song: string; node: string } | null>(null);
  #nodes: ((urls: string[]) => void)[] = [];

  /** Starts the worker. The page does not wait for it: until it is there, it asks its own node. */
  start(): void {
    const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
    this.missing = !container || import.meta.env.DEV;
    if (!container || this.missing) return;
    container.addEventListener('message', (event) => this.#receive(event.data as FromWorker));
    container.addEventListener('controllerchange', () => (this.missing = false));
    const look = () => (this.missing = container.controller === null);
    // A browser may forbid workers, or not trust the certificate.
    container.register('/sw.js', { scope: '/', updateViaCache: 'none' }).then(() => setTimeout(look, patienceMs), look);
  }

  /** The nodes to send uploads to, best first; these do not pass through the worker. */
  async nodes(): Promise<string[]> {
    if (!navigator.serviceWorker?.controller) return [location.origin];
    return new Promise((resolve) => {
      this.#nodes.push(resolve);
      this.#send({ type: 'nodes' });
    });
  }

  sessionChanged(): void {
    this.#send({ type: 'session' });
  }

  #send(message: ToWorker): void {
    navigator.serviceWorker?.controller?.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if (message.type === 'source') this.source = message;
    if (message.type === 'nodes') for (const resolve of this.#nodes.splice(0)) resolve(message.urls);
  }
}

export const middleware = new Middleware();
