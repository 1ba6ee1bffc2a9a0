// SPDX-License-Identifier: AGPL-3.0-or-later
import { mount } from 'svelte';

import './app.css';
import App from './App.svelte';
import { startLanguage } from './i18n/index.svelte';
import { kept } from './library/kept.svelte';
import { middleware } from './middleware.svelte';
import { startRouter } from './router.svelte';
import { session } from './session.svelte';

startRouter();
middleware.start();
await Promise.all([startLanguage(), kept.start()]);
const refused: unknown = await session.start().then(
  () => null,
  (error: unknown) => error,
);
mount(App, { target: document.getElementById('app')!, props: { refused } });
