// SPDX-License-Identifier: AGPL-3.0-or-later
// An invented library for pictures of the player: names, covers and tones made here.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { covers } from './covers.mjs';

const albums = [
  ['sunrise', 'Marea Alta', 'Costa Lenta', 2024, 'Indie', ['Primera luz', 'Sal', 'Las once y cuarto', 'Costa lenta', 'Todo el verano', 'Regreso']],
  ['harbour', 'Slow Harbour', 'The Lanterns', 2021, 'Folk', ['Mooring', 'Rope and Salt', 'Night Ferry', 'Slow Harbour', 'Gulls', 'Low Water', 'Home by Six']],
  ['moss', 'Undergrowth', 'Fern & Oak', 2019, 'Ambient', ['Spores', 'Rain, Later', 'Canopy', 'Lichen', 'A Clearing']],
  ['paper', 'Paper Instruments', 'Quartet Nine', 2017, 'Classical', ['Fold I', 'Fold II', 'Crease', 'Unfold', 'Paper Moon']],
  ['night', 'Far Lights', 'Polar Youth', 2023, 'Electronic', ['Ignition', 'Far Lights', 'Orbit Song', 'Perigee', 'Static Bloom', 'Re-entry']],
  ['brick', 'Tile Works', 'Rosa Méndez', 2022, 'Jazz', ['Azulejo', 'Corner Café', 'Blue Note, Red Brick', 'Tile Works', 'Última vuelta']],
  ['tide', 'Five Tall Glasses', 'Hana Ito Trio', 2020, 'Jazz', ['Glass One', 'Clink', 'Half Full', 'Condensation', 'Last Glass']],
  ['vinyl', 'Forty-Five', 'The Needle Drops', 2018, 'Soul', ['Side A', 'Warm Crackle', 'Forty-Five', 'Side B', 'Run-out']],
  ['plum', 'Dos Mitades', 'Vera Luna', 2025, 'Indie', ['Mitad', 'Espejo', 'La otra mitad', 'Eclipse', 'Juntas']],
  ['fields', 'Wheat and Weather', 'Dale Country Band', 2016, 'Folk', ['Furrow', 'Barn Light', 'Wheat and Weather', 'Long Road In', 'Harvest Home']],
  ['signal', 'Signal / Noise', 'Modul', 2024, 'Electronic', ['Carrier', 'Sideband', 'Noise Floor', 'Signal', 'Handshake', 'Packet Loss']],
  ['ember', 'Embers', 'Old Furnace', 2015, 'Rock', ['Kindling', 'Bellows', 'Cast Iron', 'Embers', 'Slag']],
];
const seconds = 95;
const made = 'complete';

const ffmpeg = (...args) => execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args]);

/** Makes the library's files once; `paint` turns SVG into JPEG. Returns the folder. */
export async function makeLibrary(folder, paint) {
  if (existsSync(join(folder, made))) return folder;
  const work = `${folder}.part`;
  rmSync(work, { recursive: true, force: true });
  for (const [cover, title, artist, year, genre, songs] of albums) {
    const album = join(work, title.replaceAll('/', '-'));
    mkdirSync(album, { recursive: true });
    writeFileSync(join(album, 'cover.jpg'), await paint(covers[cover]));
    const pitch = 110 * 2 ** ((cover.length + year) % 12 / 12);
    const envelope = '(0.25+0.2*sin(t/7)+0.2*sin(t/2.3)+0.3*exp(-3*mod(t,0.5)))';
    ffmpeg('-f', 'lavfi', '-i', `aevalsrc=0.3*${envelope}*(sin(2*PI*${pitch}*t)+sin(3*PI*${pitch}*t)*exp(-mod(t\\,2))):s=44100:d=${seconds}`.replaceAll(/(?<!\\),/g, '\\,'),
      '-c:a', 'libmp3lame', '-b:a', '64k', join(work, 'tone.mp3'));
    songs.forEach((song, index) =>
      ffmpeg('-i', join(work, 'tone.mp3'), '-i', join(album, 'cover.jpg'), '-map', '0', '-map', '1', '-c', 'copy', '-t', String(seconds - ((index * 17) % 40)),
        '-id3v2_version', '3', '-disposition:v', 'attached_pic', '-metadata', `title=${song}`, '-metadata', `artist=${artist}`,
        '-metadata', `album=${title}`, '-metadata', `album_artist=${artist}`, '-metadata', `date=${year}`, '-metadata', `genre=${genre}`,
        '-metadata', `track=${index + 1}/${songs.length}`, join(album, `${String(index + 1).padStart(2, '0')} ${song.replaceAll('/', '-')}.mp3`)));
    rmSync(join(work, 'tone.mp3'));
  }
  writeFileSync(join(work, made), '');
  rmSync(folder, { recursive: true, force: true });
  renameSync(work, folder);
  return folder;
}
