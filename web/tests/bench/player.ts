// SPDX-License-Identifier: AGPL-3.0-or-later
// What a listener waits for in Debian's Chromium at a node that runs. Reads a Task as JSON from its input, prints
// samples as JSON. Run by `./bench --only web`.
import { readFileSync } from 'node:fs';

import type { Browser, Page } from 'playwright-core';

import { launch, listen, visitor } from '../e2e/browser';

interface Task {
  url: string;
  token: string;
  /** Of each kind of measurement. */
  rounds: number;
  searches: string[];
  /** The album with the song that is played. */
  album: string;
  title: string;
}

/** Milliseconds, but for `scriptBytes`. */
interface Samples {
  scriptBytes: number[];
  firstView: number[];
  secondView: number[];
  search: number[];
  play: number[];
}

async function oneTimeLink({ url, token }: Task): Promise<string> {
  const answer = await fetch(`${url}/api/v1/session/code`, { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`no one-time code: ${answer.status} ${await answer.text()}`);
  const { code } = (await answer.json()) as { code: string };
  return `${url}/#code=${encodeURIComponent(code)}`;
}

/** From the beginning of the navigation until the newest albums are drawn. */
async function viewTime(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((done) => {
        const look = () => (document.querySelector('main article') ? requestAnimationFrame(() => done(performance.now())) : requestAnimationFrame(look));
        look();
      }),
  );
}

const scriptBytes = (page: Page) =>
  page.evaluate(() => {
    const resources = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
    return resources.filter((one) => new URL(one.name).pathname.endsWith('.js')).reduce((sum, one) => sum + one.encodedBodySize, 0);
  });

async function firstView(browser: Browser, task: Task, samples: Samples): Promise<void> {
  const { context, page } = await visitor(browser);
  await page.goto(await oneTimeLink(task), { waitUntil: 'commit' });
  samples.firstView.push(await viewTime(page));
  samples.scriptBytes.push(await scriptBytes(page));
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.reload({ waitUntil: 'commit' });
  samples.secondView.push(await viewTime(page));
  await context.close();
}

/** From the last letter until what was found is drawn. */
function searchTime(page: Page, text: string): Promise<number> {
  return page.evaluate(async (words) => {
    const field = document.querySelector<HTMLInputElement>('#search')!;
    const frames = async (done: () => boolean) => {
      while (!done()) await new Promise((next) => requestAnimationFrame(next));
    };
    const found = () => document.querySelector('main p[role=status]') !== null;
    const type = (value: string) => {
      field.value = value;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    };
    type('');
    await frames(() => !found());
    const begun = performance.now();
    type(words);
    await frames(found);
    return performance.now() - begun;
  }, text);
}

/** From the click until the first sound. */
async function playTime(browser: Browser, task: Task): Promise<number> {
  const { context, page } = await visitor(browser);
  await listen(page);
  await page.goto(await oneTimeLink(task));
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.goto(`${task.url}/album/${task.album}`);
  const button = page.getByRole('button', { name: `Play ${task.title} by` });
  await button.waitFor();
  const sounds = page.evaluate(
    () =>
      new Promise<number>((done) => {
        const { decks } = window as unknown as { decks: HTMLAudioElement[] };
        document.addEventListener(
          'click',
          () => {
            const clicked = performance.now();
            const look = () => (decks.some((deck) => deck.currentTime > 0) ? done(performance.now() - clicked) : setTimeout(look, 1));
            look();
          },
          { capture: true, once: true },
        );
      }),
  );
  await button.click();
  const took = await sounds;
  await context.close();
  return took;
}

async function measure(task: Task): Promise<Samples> {
  const samples: Samples = { scriptBytes: [], firstView: [], secondView: [], search: [], play: [] };
  const browser = await launch();
  try {
    for (let round = 0; round < task.rounds; round += 1) await firstView(browser, task, samples);
    const { context, page } = await visitor(browser);
    await page.goto(await oneTimeLink(task));
    await viewTime(page);
    for (const text of task.searches) samples.search.push(await searchTime(page, text));
    await context.close();
    for (let round = 0; round < task.rounds; round += 1) samples.play.push(await playTime(browser, task));
  } finally {
    await browser.close();
  }
  return samples;
}

console.log(JSON.stringify(await measure(JSON.parse(readFileSync(0, 'utf8')) as Task)));
