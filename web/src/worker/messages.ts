// SPDX-License-Identifier: AGPL-3.0-or-later
// What the page and its worker tell each other.

export type ToWorker =
  | { type: 'session' } // somebody logged in or out
  | { type: 'nodes' }; // asks for FromWorker's "nodes"

export type FromWorker =
  | { type: 'source'; song: string; node: string } // the song's bytes come from this node, or "kept"
  | { type: 'nodes'; urls: string[] }; // best first
