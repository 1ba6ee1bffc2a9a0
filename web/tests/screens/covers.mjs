// SPDX-License-Identifier: AGPL-3.0-or-later
// Covers for an invented library: plain geometry, one idea each, as SVG.

const wave = (y, height, waves, phase) => {
  let path = `M-20 ${y}`;
  for (let x = -20; x <= 620; x += 10) path += `L${x} ${y + height * Math.sin(phase + (x / 600) * waves * 2 * Math.PI)}`;
  return path;
};
const range = (count, make) => Array.from({ length: count }, (_, i) => make(i)).join('');
const on = (background, shapes) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 600" width="600" height="600"><rect width="600" height="600" fill="${background}"/>${shapes}</svg>`;

export const covers = {
  sunrise: on('#f3c6a5', `<circle cx="300" cy="330" r="150" fill="#e4572e"/>${range(7, (i) => `<rect x="0" y="${340 + i * 40}" width="600" height="${10 + i * 5}" fill="#f3c6a5"/>`)}`),
  harbour: on('#0f3b4c', `${range(9, (i) => `<path d="${wave(210 + i * 46, 16 + i * 2, 2, i * 0.8)}V620H-20Z" fill="hsl(${192 + i * 3} 55% ${24 + i * 5}%)"/>`)}<circle cx="430" cy="120" r="54" fill="#f6e7c1"/>`),
  moss: on('#1f2d1f', range(11, (i) => `<circle cx="${300 + 30 * Math.sin(i)}" cy="${300 + 24 * Math.cos(i * 1.3)}" r="${290 - i * 26}" fill="hsl(${96 + i * 4} ${30 + i * 2}% ${16 + i * 5}%)"/>`)),
  paper: on('#ece4d6', `${range(14, (i) => `<path d="${wave(60 + i * 38, 22, 1.5, i * 0.35)}" fill="none" stroke="#20323b" stroke-width="${2 + (i % 5)}"/>`)}<circle cx="150" cy="180" r="64" fill="#d1495b"/>`),
  night: on('#141335', `${range(60, (i) => `<circle cx="${(i * 137) % 600}" cy="${(i * 89) % 420}" r="${1 + (i % 3)}" fill="#fff" opacity=".8"/>`)}<path d="M0 600V470L110 350 210 440 330 300 460 450 600 360V600Z" fill="#2c2a63"/><path d="M0 600V540L160 450 320 540 470 470 600 530V600Z" fill="#3d3a86"/><circle cx="440" cy="130" r="46" fill="#ffe9a8"/>`),
  brick: on('#b23a2e', range(6, (r) => range(6, (c) => `<path d="M${c * 100} ${r * 100}h100v100${(r + c) % 3 ? 'a100 100 0 0 1-100-100' : 'h-100'}Z" fill="hsl(${8 + ((r * c) % 4) * 9} 65% ${36 + ((r + c) % 3) * 12}%)"/>`))),
  tide: on('#dfeeea', range(5, (i) => `<rect x="${40 + i * 106}" y="${90 + 60 * Math.sin(i)}" width="86" height="${420 - 60 * Math.sin(i)}" rx="43" fill="hsl(${172 + i * 9} 42% ${64 - i * 9}%)"/>`)),
  vinyl: on('#e9b44c', `<circle cx="300" cy="300" r="230" fill="#1b1b1e"/>${range(9, (i) => `<circle cx="300" cy="300" r="${110 + i * 13}" fill="none" stroke="#36363b" stroke-width="2"/>`)}<circle cx="300" cy="300" r="82" fill="#d64933"/><circle cx="300" cy="300" r="14" fill="#e9b44c"/>`),
  plum: on('#3c1642', `<path d="M300 80a220 220 0 0 1 0 440a110 110 0 0 1 0-220a110 110 0 0 0 0-220Z" fill="#af5fb8"/><path d="M300 80a220 220 0 0 0 0 440a110 110 0 0 0 0-220a110 110 0 0 1 0-220Z" fill="#e3b5e6"/>`),
  fields: on('#a7c4d9', `<path d="M0 330Q200 250 600 340V600H0Z" fill="#e0c36a"/><path d="M0 410Q320 320 600 420V600H0Z" fill="#b5953b"/><path d="M0 500Q260 430 600 500V600H0Z" fill="#5f6b2c"/><circle cx="170" cy="150" r="62" fill="#fff6d8"/>`),
  signal: on('#f2f0e9', range(12, (i) => `<rect x="${42 + i * 44}" y="${300 - 40 - 190 * Math.abs(Math.sin(i * 0.9))}" width="24" height="${80 + 380 * Math.abs(Math.sin(i * 0.9))}" fill="${i % 4 === 2 ? '#e26d3d' : '#1d2a35'}"/>`)),
  ember: on('#1a1110', range(16, (i) => `<circle cx="300" cy="${560 - i * 26}" r="${250 - i * 15}" fill="hsl(${4 + i * 3} 85% ${14 + i * 3.4}%)" opacity=".9"/>`)),
};
