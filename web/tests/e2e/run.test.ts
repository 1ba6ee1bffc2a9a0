// SPDX-License-Identifier: AGPL-3.0-or-later
// What a newcomer sees who starts `./run` and opens the link that it prints.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Browser } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { launch, listen, playsFor, visitor } from './browser';
import { freePort, program, repository, until } from './node';

const nodes = 3;
const readyMs = 150_000;

let home: string;
let browser: Browser;
let started: ChildProcess;
let said = '';

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'kadenza-run-'));
  browser = await launch();
});
afterEach(async () => {
  await browser.close();
  if (started.exitCode === null) started.kill('SIGTERM');
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
});

/** `./run` takes consecutive ports, and those 1,000 above for the nodes among themselves. */
async function start(): Promise<string> {
  const port = Math.min(await freePort(), 31_000);
  started = spawn(join(repository, 'run'), ['--nodes', String(nodes), '--data', join(home, 'data'), '--http', `127.0.0.1:${port}`], {
    cwd: home,
    env: { ...process.env, KADENZA_BIN: program, HOME: home, XDG_CONFIG_HOME: join(home, 'config'), LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [started.stdout!, started.stderr!]) stream.on('data', (text: Buffer) => (said += text.toString()));
  return until(
    './run prints its link',
    () => {
      if (started.exitCode !== null) throw new Error(`./run ended with ${started.exitCode}:\n${said}`);
      return /Open: +(http:\S+#code=\S+)/.exec(said)?.[1];
    },
    readyMs,
  );
}

it('prints a link that shows the album and three nodes, and ends them when it is stopped', async () => {
  const link = await start();
  const { page, context, complaints } = await visitor(browser);
  await listen(page);
  await page.goto(link);
  await page.locator('main article').first().waitFor();
  await page.getByRole('button', { name: 'Play', exact: true }).first().click();
  await playsFor(page, 1);
  await page.getByRole('link', { name: 'Network' }).first().click();
  for (let number = 1; number <= nodes; number += 1)
    await page.getByRole('row').filter({ hasText: `node${number}` }).getByText('answers').waitFor();
  expect(complaints()).toEqual([]);
  await context.close();

  const ended = new Promise((done) => started.once('exit', done));
  started.kill('SIGTERM');
  expect(await ended).toBe(130);
  for (const url of /playing at ([^\u001b\n]+)/.exec(said)![1].split(' '))
    await until(`nobody answers at ${url}`, () => fetch(url).then(() => false, () => true));
}, readyMs + 60_000);
