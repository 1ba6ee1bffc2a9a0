// SPDX-License-Identifier: AGPL-3.0-or-later
// Three nodes with names, and certificates of their cluster's own authority, which the browser trusts: what a listener notices
// when nodes die and others join.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';

import type { SearchResults } from '../../src/api/types';
import { TrustingHome } from './authority';
import { ends, fetchedSeconds, launchAt, listen, playing, playsFor, signIn, visitor } from './browser';
import { Cluster } from './cluster';
import { tone, until, type KadenzaNode } from './node';

const domain = 'kadenza.test';
const seconds = 30;
// More bytes than the browser and the buffers of the connection take before they are played: 92 MB.
const song = tone(440, seconds, { rate: 192_000, channels: 8 });

let home: TrustingHome;
let browser: Browser;
let cluster: Cluster;

beforeAll(async () => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // of this process; the browser looks closely
  cluster = new Cluster((name) => {
    const host = `${name}.${domain}`;
    return { host, scheme: 'https', args: ['--https'] };
  });
  const first = await cluster.add();
  home = new TrustingHome(first.authority());
  browser = await launchAt(home.folder, `--host-resolver-rules=MAP *.${domain} 127.0.0.1`);
  await cluster.grow(3);
});
afterAll(async () => {
  await browser?.close();
  await cluster?.destroy();
  home?.destroy();
});

/** The nodes that the worker has taken the song's bytes from. */
async function noteSources(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const sources: string[] = [];
    (window as unknown as { sources: string[] }).sources = sources;
    navigator.serviceWorker.addEventListener('message', ({ data }) => data.type === 'source' && sources.push(data.node));
  });
  return () => page.evaluate(() => (window as unknown as { sources: string[] }).sources);
}

/** An upload is stored when it is answered, and found a moment later. */
const found = (node: KadenzaNode, title: string) =>
  until(`${title} is found`, async () => (await node.api<SearchResults>(`/search?q=${title}`)).songs.length > 0);

it('shows the nodes, where the song is stored, and who dies and who joins', async () => {
  const [first, , third] = cluster.nodes;
  const { page, context, complaints } = await visitor(browser);
  await listen(page);
  await signIn(page, first);
  await first.upload(tone(550, 30), { title: 'Placed', artist: 'Test', album: 'Network' });
  await found(first, 'placed');
  await page.goto(`${first.url}/search?q=placed`);
  await page.getByRole('button', { name: 'Play Placed by Test' }).click();
  await playsFor(page, 0.3);
  await page.getByRole('link', { name: 'Network' }).first().click();
  const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader').filter({ hasText: name }) });
  for (const name of ['node1', 'node2', 'node3']) await row(name).getByText('answers').waitFor();
  await page.getByText(/^(node[123](, )?){3}$/).waitFor();
  await third.kill();
  await row('node3').getByText(/silent|gone/).waitFor();
  await cluster.add();
  await row('node4').getByText('answers').waitFor();
  expect(complaints()).toEqual([]);
  await context.close();
});

it('plays a song to its end though the node that the page came from is killed', async () => {
  const [first] = cluster.nodes;
  const { id } = await first.upload(song, { title: 'Unbroken', artist: 'Test', album: 'Failover' });
  await found(first, 'unbroken');
  const { page, context, complaints } = await visitor(browser);
  await listen(page);
  const sources = await noteSources(page);
  await signIn(page, first);
  await page.goto(`${first.url}/search?q=unbroken`);
  await page.getByRole('button', { name: 'Play Unbroken by Test' }).click();
  await playsFor(page, 0.5);
  expect(await sources()).toEqual([first.url]);
  expect(await fetchedSeconds(page)).toBeLessThan(seconds * 0.75);

  await first.kill();
  const end = await until('the end of the song', async () => (await ends(page)).at(0), 60_000);
  expect(end).toBeGreaterThan(seconds - 0.1);
  expect((await sources()).at(-1)).not.toBe(first.url);

  await page.goto(`${first.url}/search?q=unbroken`);
  await page.getByRole('button', { name: 'Play Unbroken by Test' }).click();
  await playsFor(page, 0.5);
  expect((await playing(page)).paused).toBe(false);
  const bytes = await page.evaluate(async (one) => (await (await fetch(`/api/v1/songs/${one}/audio`)).arrayBuffer()).byteLength, id);
  expect(bytes).toBe(song.length);
  expect(complaints()).toEqual([]);
  await context.close();
}, 120_000);
