// SPDX-License-Identifier: AGPL-3.0-or-later
export function makeLibrary(folder: string, paint: (svg: string) => Promise<Buffer>): Promise<string>;
