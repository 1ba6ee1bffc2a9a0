// SPDX-License-Identifier: AGPL-3.0-or-later
// Files out of what was dropped or chosen.

const audio = /\.(mp3|flac|ogg|oga|opus|m4a|mp4|aac|wav|aif|aiff|aifc)$/i;

/** Whether a file may be a song by its name; the node looks at the bytes. Pure. */
export const looksLikeAudio = (name: string): boolean => audio.test(name) && !name.startsWith('.');

async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  // A reader gives some at a time, and none when there are no more.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [file];
  }
  const inside = await Promise.all((await entriesOf(entry as FileSystemDirectoryEntry)).map(filesOf));
  return inside.flat();
}

/** All files of a drop, those in folders too. */
export async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

/** What a file's name may tell of its song: "07 - Artist - Title.mp3", "Title.flac". Pure. */
export function guessTags(name: string): { title: string; artist: string } {
  const parts = name
    .replace(/\.[^.]+$/, '')
    .replace(/^\d{1,3}\s*[-._)]?\s+/, '')
    .split(/\s+-\s+/)
    .map((part) => part.trim());
  return parts.length > 1 ? { artist: parts[0], title: parts.slice(1).join(' - ') } : { artist: '', title: parts[0] };
}
