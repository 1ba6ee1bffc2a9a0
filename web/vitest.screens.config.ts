// SPDX-License-Identifier: AGPL-3.0-or-later
import { mergeConfig } from 'vitest/config';

import e2e from './vitest.e2e.config';

// Pictures are made as the tests in a browser are run: real nodes, one after another.
export default mergeConfig({ ...e2e, test: { ...e2e.test, include: [] } }, { test: { include: ['tests/screens/**/*.test.ts'] } });
