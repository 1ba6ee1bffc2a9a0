// SPDX-License-Identifier: AGPL-3.0-or-later
// What one listener does at one node, from signing in to listening without it.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { launch, listen, playing, playsFor, signIn, visitor, visibleText } from './browser';
import { findAlbum } from './music';
import { KadenzaNode, repository, sha256, tone, until } from './node';

let browser: Browser;
let node: KadenzaNode;
let album: string;
let files: string[];

beforeAll(async () => {
  album = findAlbum();
  files = readdirSync(album).filter((name) => /\.(ogg|mp3|flac|opus|m4a|wav|aiff)$/.test(name)).map((name) => join(album, name));
  [browser, node] = await Promise.all([launch(), KadenzaNode.start()]);
});
afterAll(async () => {
  await browser?.close();
  await node?.destroy();
});

describe('signing in', () => {
  it('takes the name and password, says when they are wrong, and signs out', async () => {
    const { page, context } = await visitor(browser);
    await page.goto(node.url + '/albums');
    await page.fill('[name=username]', 'admin');
    await page.fill('[name=password]', 'wrong');
    await page.click('button.primary');
    await page.getByRole('alert').filter({ hasText: 'Name or password is wrong' }).waitFor();
    await page.fill('[name=password]', node.password);
    await page.click('button.primary');
    await page.getByRole('heading', { name: 'Albums' }).waitFor();
    await page.getByRole('button', { name: /Account of admin/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.waitForSelector('[name=password]');
    await page.reload();
    await page.waitForSelector('[name=password]');
    await context.close();
  });

  it('takes a one-time link once, and leaves nothing of it in the address', async () => {
    const link = await node.oneTimeLink();
    const first = await visitor(browser);
    await first.page.goto(link);
    await first.page.getByRole('navigation').first().waitFor();
    expect(first.page.url()).toBe(node.url + '/');
    await first.page.reload();
    await first.page.getByRole('navigation').first().waitFor();
    await first.context.close();
    const second = await visitor(browser);
    await second.page.goto(link);
    await second.page.getByRole('alert').filter({ hasText: 'used already' }).waitFor();
    await second.context.close();
  });
});

describe('uploading', () => {
  it('an album by the file chooser: progress, what was added, was there, was refused, lacks tags', async () => {
    const { page, context, complaints } = await visitor(browser);
    await signIn(page, node);
    await page.getByRole('link', { name: 'Upload music' }).click();
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Choose files' }).click();
    await (await chooser).setFiles(files);
    const total = page.getByRole('region', { name: 'All uploads' });
    await total.getByText(`${files.length} added`).waitFor({ timeout: 60_000 });
    expect((await node.api<{ songs: number }>('/totals')).songs).toBe(files.length);

    const folder = mkdtempSync(join(tmpdir(), 'kadenza-upload-'));
    const [broken, untagged] = [join(folder, 'broken.mp3'), join(folder, 'Some Band - Plain Tone.wav')];
    writeFileSync(broken, 'this is no music at all');
    writeFileSync(untagged, tone(440, 1));
    await page.locator('input[type=file]').first().setInputFiles([files[0], broken, untagged]);
    await total.getByText('1 was there').waitFor();
    await total.getByText('1 refused').waitFor();
    const row = page.getByRole('listitem').filter({ hasText: 'Plain Tone' });
    expect(await row.getByLabel('Title').inputValue()).toBe('Plain Tone');
    expect(await row.getByLabel('Artist').inputValue()).toBe('Some Band');
    await row.getByLabel('Album').fill('Tones');
    await row.getByRole('button', { name: 'Send again' }).click();
    await total.getByText(`${files.length + 1} added`).waitFor();
    await row.getByRole('link', { name: 'Plain Tone' }).click();
    await page.getByRole('heading', { level: 1, name: 'Tones' }).waitFor();
    expect(complaints()).toEqual([]);
    await context.close();
  });

  it('can be cancelled on its way and sent again', async () => {
    const { page, context } = await visitor(browser);
    await signIn(page, node, '/upload');
    const line = await context.newCDPSession(page);
    const uploadAt = (bytesPerSecond: number) =>
      line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond });
    await line.send('Network.enable');
    await uploadAt(100_000);
    const file = join(mkdtempSync(join(tmpdir(), 'kadenza-upload-')), 'Band - Retried.wav');
    writeFileSync(file, tone(330, 40));
    await page.locator('input[type=file]').first().setInputFiles(file);
    const row = page.getByRole('listitem').filter({ hasText: 'Retried' });
    await row.getByRole('button', { name: /Cancel/ }).click();
    await row.getByText('Cancelled').waitFor();
    await uploadAt(-1);
    await row.getByRole('button', { name: /again/ }).click();
    await row.getByText('Needs a title').waitFor();
    await row.getByRole('button', { name: 'Send again' }).click();
    await page.getByRole('region', { name: 'All uploads' }).getByText('1 added').waitFor();
    await context.close();
  });
});

describe('finding and playing', () => {
  it('finds as one types, in spite of a typo, and marks what matched', async () => {
    const { page, context } = await visitor(browser);
    await signIn(page, node);
    const title = (await node.api<{ items: { title: string }[] }>('/songs?order=title&limit=50')).items.map((song) => song.title)
      .find((one) => /\b[a-z]{6,}\b/i.test(one))!;
    const word = /\b[a-z]{6,}\b/i.exec(title)![0];
    const mistyped = word.slice(0, 3) + (word[3] === 'x' ? 'y' : 'x') + word.slice(4);
    await page.keyboard.press('/');
    await page.keyboard.type(mistyped);
    await page.getByRole('button', { name: new RegExp(`^Play .*${word}`, 'i') }).first().waitFor();
    await expect.poll(() => page.locator('mark').allInnerTexts().then((marks) => marks.join(' ').toLowerCase())).toContain(word.toLowerCase());
    expect(page.url()).toContain(encodeURIComponent(mistyped));
    await page.fill('#search', 'zzzzqqqq');
    await page.getByText('Nothing found').waitFor();
    await context.close();
  });

  it('plays: time advances, the bytes are the uploaded ones, seeking by mouse and keyboard, next, queue after a reload', async () => {
    const { page, context, complaints } = await visitor(browser);
    await listen(page);
    const tones = await Promise.all([440, 660, 880].map((hertz, index) =>
      node.upload(tone(hertz, 20), { title: `Tone ${hertz}`, artist: 'Test', album: 'Long Tones', track: String(index + 1) })));
    await signIn(page, node);
    const { album_id } = await node.api<{ album_id: string }>(`/songs/${tones[0].id}`);
    await page.goto(`${node.url}/album/${album_id}`);
    await page.getByRole('button', { name: 'Play Tone 440 by Test' }).click();
    await playsFor(page, 0.5);

    const bytes = await page.evaluate(async (id) => {
      const whole = await (await fetch(`/api/v1/songs/${id}/audio`)).arrayBuffer(); // no log-in: the worker adds it
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
      return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    }, tones[0].id);
    expect(bytes).toBe(sha256(tone(440, 20)));

    const seek = page.getByRole('region', { name: 'Player' }).getByRole('slider', { name: 'Position in the song' });
    const box = (await seek.boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.5, box.y + box.height / 2);
    await until('the middle', async () => Math.abs((await playing(page)).time - 10) < 1.5);
    await seek.focus();
    await page.keyboard.press('ArrowRight');
    await until('five seconds on', async () => Math.abs((await playing(page)).time - 15) < 1.9);
    await page.keyboard.press('n');
    await until('the next song', async () => /Tone 660/.test(await visibleText(page, '.dock')));
    expect(await page.evaluate(() => navigator.mediaSession.metadata?.title)).toBe('Tone 660');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('s');
    await page.reload();
    await until('the queue is there', async () => /Tone 660/.test(await visibleText(page, '.dock')));
    const dock = page.getByRole('region', { name: 'Player' });
    expect(await dock.getByRole('button', { name: 'Shuffle' }).getAttribute('aria-pressed')).toBe('true');
    await dock.getByRole('button', { name: 'Play', exact: true }).click();
    await playsFor(page, 0.3);
    expect(complaints()).toEqual([]);
    await context.close();
  });

  it('goes from song to song without a gap', async () => {
    const { page, context } = await visitor(browser);
    await listen(page);
    const songs = await Promise.all([0, 1, 2].map((index) =>
      node.upload(tone([500, 700, 900][index], 5), { title: `Part ${index + 1}`, artist: 'Gapless', album: 'One Piece', track: String(index + 1) })));
    await signIn(page, node);
    const { album_id } = await node.api<{ album_id: string }>(`/songs/${songs[0].id}`);
    await page.goto(`${node.url}/album/${album_id}`);
    await page.getByRole('button', { name: 'Play Part 1' }).click();
    await until('the last part', async () => /Part 3/.test(await visibleText(page, '.dock')), 25_000);
    await playsFor(page, 1);
    const gaps = await page.evaluate(() => {
      const { heard } = window as unknown as { heard: Float32Array[] };
      const samples = heard.flatMap((block) => [...block]);
      const sounding = (index: number) => Math.abs(samples[index]) > 0.003;
      const first = samples.findIndex((_, index) => sounding(index));
      const found: number[] = [];
      let silent = 0;
      for (let i = first; i < samples.length; i += 1) {
        if (!sounding(i)) silent += 1;
        else {
          if (silent > 200) found.push((silent / 48_000) * 1000);
          silent = 0;
        }
      }
      return found;
    });
    console.log('silences between songs, ms:', gaps.map((ms) => ms.toFixed(1)).join(', ') || 'none');
    for (const gap of gaps) expect(gap).toBeLessThan(60);
    await context.close();
  });

  it('plays a quiet song as loud as a loud one, unless it is told not to', async () => {
    const { page, context } = await visitor(browser);
    await listen(page);
    const songs = await Promise.all([['Quiet', 3_000], ['Loud', 24_000]].map(([title, amplitude]) =>
      node.upload(tone(1_000, 12, { amplitude: Number(amplitude) }), { title: String(title), artist: 'Level', album: `${title} Album` })));
    for (const song of songs)
      await until('its loudness is known', () => node.api(`/songs/${song.id}/waveform`).then(() => true, () => false), 30_000);
    const albums = await Promise.all(songs.map((song) => node.api<{ album_id: string }>(`/songs/${song.id}`)));
    await signIn(page, node);
    /** Decibels of what is heard of it, in the third second. */
    const levelOf = async (index: number) => {
      await page.goto(`${node.url}/album/${albums[index].album_id}`);
      await page.getByRole('button', { name: /^Play (Quiet|Loud)/ }).first().click();
      await until('it plays', async () => new RegExp(['Quiet', 'Loud'][index]).test(await visibleText(page, '.dock')));
      await playsFor(page, 3);
      return page.evaluate(() => {
        const { heard } = window as unknown as { heard: Float32Array[] };
        const samples = heard.slice(-10).flatMap((block) => [...block]);
        return 10 * Math.log10(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
      });
    };
    const levelled = [await levelOf(0), await levelOf(1)];
    expect(Math.abs(levelled[0] - levelled[1])).toBeLessThan(1.5);
    await page.goto(`${node.url}/settings`);
    await page.getByRole('checkbox', { name: /loudness/i }).uncheck();
    const raw = [await levelOf(0), await levelOf(1)];
    expect(raw[1] - raw[0]).toBeGreaterThan(15);
    await context.close();
  });

  it('can be told to sleep, and repeats', async () => {
    const { page, context } = await visitor(browser);
    await signIn(page, node, '/songs');
    await page.getByRole('button', { name: 'Play Part 1' }).click();
    await page.getByRole('button', { name: 'Sleep timer' }).click();
    await page.getByRole('menuitem', { name: 'At the end of the song' }).click();
    await until('asleep', () => page.getByRole('region', { name: 'Player' }).getByRole('button', { name: 'Play', exact: true }).count(), 15_000);
    expect(await visibleText(page, '.dock')).not.toMatch(/Part 1/);
    await page.keyboard.press('r');
    await page.getByRole('button', { name: 'Repeat: everything' }).waitFor();
    await context.close();
  });
});

describe('everywhere', () => {
  it('speaks the browser’s language, and the one that is chosen', async () => {
    const { page, context } = await visitor(browser, { locale: 'es-ES' });
    await signIn(page, node, '/albums');
    await page.getByRole('heading', { name: 'Álbumes' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('es');
    await page.getByRole('button', { name: /Cuenta de/ }).click();
    await page.getByRole('menuitemradio', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Albums' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Albums' }).waitFor();
    await context.close();
  });

  it('fits a small phone: nothing is wider than 360 pixels', async () => {
    const { page, context } = await visitor(browser, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
    await signIn(page, node);
    const { album_id } = (await node.api<{ items: { album_id: string }[] }>('/songs?limit=1&order=title')).items[0];
    await page.goto(`${node.url}/album/${album_id}`);
    await page.locator('.actions button').first().click();
    for (const path of ['/', '/albums', `/album/${album_id}`, '/artists', '/songs', '/genres', '/search?q=tone', '/kept', '/upload', '/network', '/settings', '/certificate']) {
      await page.goto(node.url + path);
      await page.waitForSelector('.dock');
      await page.waitForTimeout(150);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), path).toBeLessThanOrEqual(360);
    }
    await page.locator('.dock button.cover').click();
    await page.getByRole('dialog').waitFor();
    expect(await page.evaluate(() => document.querySelector('dialog')!.scrollWidth)).toBeLessThanOrEqual(360);
    await context.close();
  });

  it('is accessible: axe finds nothing serious on any page, dark and light', async () => {
    const axe = readFileSync(join(repository, 'web/node_modules/axe-core/axe.min.js'), 'utf8');
    const check = async (page: Page, what: string) => {
      await page.waitForTimeout(400);
      const found = await page.evaluate(async (source) => {
        (0, eval)(source);
        const scope = window as unknown as { axe: { run(options: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } };
        const { violations } = await scope.axe.run({ resultTypes: ['violations'] });
        return violations.filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => `${one.id}: ${one.nodes[0].html} ${one.nodes[0].failureSummary}`);
      }, axe);
      expect(found, what).toEqual([]);
    };
    const songs = await node.api<{ items: { album_id: string; artist_id: string }[] }>('/songs?limit=1');
    const { album_id, artist_id } = songs.items[0];
    for (const colorScheme of ['dark', 'light'] as const) {
      // axe is put in by the test, which the page's policy rightly forbids.
      const { page, context } = await visitor(browser, { colorScheme, bypassCSP: true, reducedMotion: 'reduce' });
      await page.goto(node.url);
      await check(page, `sign in, ${colorScheme}`);
      await signIn(page, node, `/album/${album_id}`);
      await page.locator('.actions button').first().click();
      for (const path of ['/', '/albums', `/album/${album_id}`, '/artists', `/artist/${artist_id}`, '/songs', '/genres', '/search?q=part', '/search', '/kept', '/upload', '/network', '/settings', '/certificate', '/nowhere']) {
        await page.goto(node.url + path);
        await page.waitForSelector('.dock');
        await check(page, `${path}, ${colorScheme}`);
      }
      await page.getByRole('button', { name: 'Show what is playing' }).first().click();
      await check(page, `now playing, ${colorScheme}`);
      await context.close();
    }
  }, 180_000);

  it('is small: under 150 KB of script, compressed', async () => {
    const { page, context } = await visitor(browser);
    const sizes: Promise<number>[] = [];
    page.on('response', (response) => {
      if (/\.js($|\?)/.test(response.url())) sizes.push(response.allHeaders().then((headers) => Number(headers['content-length'])));
    });
    await page.goto(await node.oneTimeLink());
    await page.waitForSelector('article');
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    console.log(`scripts: ${bytes} bytes`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(150_000);
    await context.close();
  });

  it('works without a secure context, and says what is off', async () => {
    const other = await launch('--host-resolver-rules=MAP plain.test 127.0.0.1');
    const { page, context } = await visitor(other);
    await listen(page);
    const link = (await node.oneTimeLink()).replace('127.0.0.1', 'plain.test');
    await page.goto(link);
    await page.waitForSelector('main h1', { state: 'attached' });
    await page.goto(`http://plain.test:${node.port}/songs`);
    await page.getByRole('button', { name: 'Play Part 1' }).click();
    await playsFor(page, 0.3);
    await page.getByRole('link', { name: 'Offline' }).first().click();
    await page.getByText('Without HTTPS').waitFor();
    await context.close();
    await other.close();
  });
});

describe('without the node', () => {
  it('the page opens, and a kept song plays and can be sought in', async () => {
    const { page, context } = await visitor(browser);
    await listen(page);
    await signIn(page, node, '/search?q=tone+880');
    const row = page.locator('.row').filter({ hasText: 'Tone 880' });
    await row.getByRole('button', { name: /More about/ }).click();
    await page.getByRole('menuitem', { name: 'Keep offline' }).click();
    await page.getByText('1 song plays offline').waitFor();
    await node.kill();
    await page.goto(node.url + '/albums');
    await page.getByRole('alert').filter({ hasText: 'No node answers' }).waitFor();
    await page.getByRole('link', { name: 'Offline' }).last().click();
    await page.getByRole('button', { name: 'Play Tone 880' }).click();
    await playsFor(page, 0.5);
    const seek = page.getByRole('region', { name: 'Player' }).getByRole('slider', { name: 'Position in the song' });
    await seek.focus();
    await page.keyboard.press('PageUp');
    await until('near the end', async () => (await playing(page)).time > 15);
    await context.close();
  });
});
