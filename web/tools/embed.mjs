// SPDX-License-Identifier: AGPL-3.0-or-later
// Writes the C++ file that holds the built player: the assembler takes in the files as they are.
// Usage: node embed.mjs DIST OUT.cpp
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const [dist, out] = process.argv.slice(2);
const types = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  webmanifest: 'application/manifest+json',
  woff2: 'font/woff2',
};

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort();

const blobs = [];
const variables = [];
const rows = [];

/** The C++ expression for a file's bytes. */
function embedded(path) {
  if (!existsSync(path)) return '{}';
  const name = `kadenza_web_${blobs.length}`;
  blobs.push(`    "${name}:\\n.incbin \\"${path}\\"\\n${name}_end:\\n"`);
  variables.push(`extern const char ${name}[], ${name}_end[];`);
  return `{${name}, static_cast<std::size_t>(${name}_end - ${name})}`;
}

for (const path of files) {
  const type = types[path.split('.').pop()];
  if (!type) throw new Error(`embed.mjs: no content type is known for ${path}`);
  const etag = createHash('sha256').update(readFileSync(path)).digest('base64url').slice(0, 22);
  const url = '/' + relative(dist, path);
  const immutable = url.startsWith('/assets/');
  rows.push(
    `      {"${url}", "${type}", "\\"${etag}\\"", ${immutable},\n       ${embedded(path)}, ${embedded(path + '.br')}, ${embedded(path + '.gz')}},`,
  );
}

writeFileSync(
  out,
  `// Made by embed.mjs.
#include "web/site.hpp"

#include <cstddef>

asm(".section .rodata\\n"
${blobs.join('\n')}
    ".previous\\n");

extern "C" {
${variables.join('\n')}
}

namespace kadenza::web {

views::Site site() {
  static const views::SiteFile files[] = {
${rows.join('\n')}
  };
  return files;
}

}  // namespace kadenza::web
`,
);
