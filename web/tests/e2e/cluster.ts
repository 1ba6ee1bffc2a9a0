// SPDX-License-Identifier: AGPL-3.0-or-later
// Nodes that are one cluster, entered by tokens.
import type { Network } from '../../src/api/types';
import { freePort, KadenzaNode, until, type NodeOptions } from './node';

export class Cluster {
  readonly nodes: KadenzaNode[] = [];

  /** `options` says how browsers reach the node of that name. */
  constructor(private readonly options: (name: string) => NodeOptions = () => ({})) {}

  async add(): Promise<KadenzaNode> {
    const name = `node${this.nodes.length + 1}`;
    const { args = [], ...reached } = this.options(name);
    const entry = this.nodes.length > 0 ? ['--join', this.nodes[0].invite()] : [];
    const node = await KadenzaNode.start({ args: ['--rpc', `127.0.0.1:${await freePort()}`, '--name', name, ...entry, ...args], ...reached });
    this.nodes.push(node);
    return node;
  }

  async grow(count: number): Promise<KadenzaNode[]> {
    while (this.nodes.length < count) await this.add();
    for (const node of this.nodes)
      await until(`${node.url} knows where listeners reach all nodes`, async () => {
        const { nodes = [] } = await node.api<Network>('/network');
        return nodes.filter((one) => one.state === 'live' && one.http?.length).length === count;
      });
    return this.nodes;
  }

  async destroy(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.destroy()));
  }
}
