// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Contact, ContactState, Member, Network } from '../api/types';

/**
 * All nodes that one node knows. Its list of members says most; a node that gives none still knows its contacts.
 * In the order of the ring. Pure.
 */
export function members(network: Network): Member[] {
  const known = new Map<string, Member>();
  const self: Member = { id: network.self, name: '', state: 'live', round_trip_ms: null };
  known.set(self.id, self);
  for (const contact of network.buckets.flatMap((bucket) => bucket.contacts)) known.set(contact.id, ofContact(contact));
  for (const node of network.nodes ?? []) known.set(node.id, { ...known.get(node.id), ...node });
  return [...known.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

const ofContact = ({ id, endpoint, state, round_trip_ms }: Contact): Member => ({ id, name: endpoint, state, round_trip_ms });

/** How a node is, as people are told. Pure. */
export const standing = (node: Pick<Member, 'state' | 'leaving'>): ContactState | 'leaving' =>
  node.leaving && node.state !== 'dead' ? 'leaving' : node.state;

/** What people call a node: its name, or the beginning of its id. Pure. */
export const shownName = (node: Pick<Member, 'id' | 'name'>): string => node.name || node.id.slice(0, 8);

export function nameOf(nodes: readonly Member[], id: string): string {
  return shownName(nodes.find((node) => node.id === id) ?? { id });
}
