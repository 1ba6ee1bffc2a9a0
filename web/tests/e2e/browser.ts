// SPDX-License-Identifier: AGPL-3.0-or-later
// Debian's Chromium, and what listeners do in it.
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';

import { sleep, type KadenzaNode } from './node';

export const launch = (...more: string[]): Promise<Browser> => launchAt(process.env.HOME ?? '/', ...more);

/** With the certificates and settings of that home folder. */
export function launchAt(home: string, ...more: string[]): Promise<Browser> {
  return chromium.launch({
    env: { ...process.env, HOME: home } as Record<string, string>,
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', ...more,
    ],
  });
}

/** A page of a new visitor. What goes wrong inside it is thrown by `complaints()`. */
export async function visitor(browser: Browser, options: BrowserContextOptions = {}): Promise<{ context: BrowserContext; page: Page; complaints: () => string[] }> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 840 }, ...options });
  const page = await context.newPage();
  const heard: string[] = [];
  page.on('pageerror', (error) => heard.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Uncaught/.test(message.text())) heard.push(message.text());
  });
  return { context, page, complaints: () => heard };
}

export async function signIn(page: Page, node: KadenzaNode, path = '/', worker = true): Promise<void> {
  const link = await node.oneTimeLink();
  await page.goto(link);
  await page.waitForSelector('main h1', { state: 'attached' });
  if (worker) await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  if (path !== '/') await page.goto(node.url + path);
}

/** Notes every audio element that the page makes, at which second songs end, and what it really plays: samples at the end of the audio graph. */
export async function listen(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const scope = window as unknown as { heard: Float32Array[]; decks: HTMLAudioElement[]; ends: number[]; Audio: typeof Audio };
    scope.heard = [];
    scope.ends = [];
    scope.decks = [];
    const Original = window.Audio;
    scope.Audio = function (source?: string) {
      const element = new Original(source);
      scope.decks.push(element);
      element.addEventListener('ended', () => scope.ends.push(element.currentTime));
      return element;
    } as unknown as typeof Audio;
    const connect = AudioNode.prototype.connect as (this: AudioNode, to: AudioNode) => AudioNode;
    let tap: ScriptProcessorNode | undefined;
    AudioNode.prototype.connect = function (this: AudioNode, to: AudioNode) {
      if (to === this.context.destination && this !== tap) {
        if (!tap) {
          tap = this.context.createScriptProcessor(4096, 1, 1);
          tap.onaudioprocess = (event) => scope.heard.push(event.inputBuffer.getChannelData(0).slice());
          connect.call(tap, to);
        }
        connect.call(this, tap);
      }
      return connect.call(this, to);
    } as AudioNode['connect'];
  });
}

/** The element that plays: how far it is, and whether it moves. */
export const playing = (page: Page) =>
  page.evaluate(() => {
    const { decks } = window as unknown as { decks: HTMLAudioElement[] };
    const deck = decks.find((one) => !one.paused) ?? decks[0];
    return { time: deck?.currentTime ?? 0, paused: deck?.paused ?? true, duration: deck?.duration ?? 0 };
  });

/** How many seconds of the song that plays the browser has already. */
export const fetchedSeconds = (page: Page) =>
  page.evaluate(() => {
    const deck = (window as unknown as { decks: HTMLAudioElement[] }).decks.find((one) => !one.paused)!;
    return deck.buffered.end(deck.buffered.length - 1);
  });

/** Where songs ended that played to their end, in seconds. */
export const ends = (page: Page) => page.evaluate(() => (window as unknown as { ends: number[] }).ends);

export async function playsFor(page: Page, seconds: number): Promise<void> {
  const from = (await playing(page)).time;
  for (let i = 0; i < 400; i += 1) {
    const now = await playing(page);
    if (!now.paused && now.time >= from + seconds) return;
    await sleep(50);
  }
  throw new Error(`does not play: ${JSON.stringify(await playing(page))}`);
}

export const visibleText = (page: Page, selector = 'main') => page.locator(selector).innerText();
