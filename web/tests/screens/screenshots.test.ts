// SPDX-License-Identifier: AGPL-3.0-or-later
// Pictures of the player at three real nodes, for README.md and docs/: run by scripts/screenshots.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, it } from 'vitest';

import { launch, listen, playsFor, signIn, visitor } from '../e2e/browser';
import { Cluster } from '../e2e/cluster';
import { findAlbum } from '../e2e/music';
import { repository, until, type KadenzaNode } from '../e2e/node';
import { makeLibrary } from './library.mjs';

const folder = process.env.KADENZA_PICTURES ?? join(repository, 'docs/images');
const phone: BrowserContextOptions = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

let browser: Browser;
let node: KadenzaNode;
const cluster = new Cluster();

async function paint(svg: string): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: 600, height: 600 } });
  await page.setContent(`<style>body{margin:0}</style>${svg}`);
  const picture = await page.screenshot({ type: 'jpeg', quality: 85 });
  await page.close();
  return picture;
}

function songsBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ogg|mp3|wav)$/.test(name)).map((name) => join(path, name));
}

beforeAll(async () => {
  browser = await launch();
  [node] = await cluster.grow(3);
  const files = [...songsBelow(findAlbum()), ...songsBelow(await makeLibrary(join(repository, 'build/invented'), paint))];
  const songs: string[] = [];
  for (const file of files) songs.push((await node.upload(readFileSync(file), {})).id);
  await until('every song is found', async () => (await node.api<{ songs: number }>('/totals')).songs === files.length);
  // Nodes compute waveforms after uploads, one song after another.
  for (const id of songs)
    await until('its waveform is known', () => node.api(`/songs/${id}/waveform`).then(() => true, () => false), 60_000);
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await cluster.destroy();
});

const picture = async (page: Page, name: string) => {
  await page.waitForFunction(() =>
    [...document.images]
      .filter((image) => image.checkVisibility() && image.getBoundingClientRect().top < innerHeight)
      .every((image) => image.complete && image.naturalWidth > 0));
  await page.screenshot({ path: join(folder, `player_${name}.jpg`), type: 'jpeg', quality: 78, animations: 'disabled' });
};

async function play(page: Page, query: string): Promise<void> {
  await page.goto(`${node.url}/search?q=${query}`);
  await page.getByRole('button', { name: /^(Play|Reproducir) .+/ }).first().click();
  await playsFor(page, 1);
}

for (const { locale, colorScheme } of [{ locale: 'en-GB', colorScheme: 'dark' }, { locale: 'es-ES', colorScheme: 'light' }] as const) {
  const language = locale.slice(0, 2);
  it(`shows the main views, ${language}, ${colorScheme}`, async () => {
    const { page, context } = await visitor(browser, { locale, colorScheme });
    await listen(page);
    await signIn(page, node);
    await play(page, 'far+lights');
    const go = (path: string) => page.evaluate((to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }, path);
    for (const [name, path] of [['home', '/'], ['search', '/search?q=singularty'], ['network', '/network'], ['albums', '/albums']]) {
      await go(path);
      await page.locator('main').getByRole('heading').first().waitFor({ state: 'attached' });
      await picture(page, `${name}_${language}`);
    }
    await page.locator('.dock button.cover').click();
    await page.getByRole('dialog').waitFor();
    await picture(page, `now_playing_${language}`);
    await context.close();
  }, 90_000);

  it(`fits a phone, ${language}, ${colorScheme}`, async () => {
    const { page, context } = await visitor(browser, { locale, colorScheme, ...phone });
    await listen(page);
    await signIn(page, node);
    await play(page, 'slow+harbour');
    await page.locator('.dock button.cover').click();
    await page.getByRole('dialog').waitFor();
    await picture(page, `phone_${language}`);
    await context.close();
  }, 90_000);
}
