import { hash } from 'node:crypto';

const sha256 = (prefix: number, ...parts: readonly Uint8Array[]): Buffer =>
  hash('sha256', Buffer.concat([Uint8Array.of(prefix), ...parts]), 'buffer');

// Different prefixes keep an inner node from being passed off as a leaf (RFC 9162, 2.1.1).
const leafHash = (data: Uint8Array): Buffer => sha256(0, data);
const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(1, left, right);

const stepLength = 33;
const leftSide = 0;
const rightSide = 1;

export interface HashTree {
  readonly root: Buffer;
  /**
   * For each leaf the steps from it to the root, 33 bytes each: on which side the neighbour stands (0 left, 1 right)
   * and its hash. Empty for a tree of one leaf.
   */
  readonly chains: readonly Buffer[];
}

/** One hash over many messages, from which the place of each can be shown without showing the others. */
export function buildHashTree(leaves: readonly Uint8Array[]): HashTree {
  if (leaves.length === 0) throw new Error('a hash tree needs a leaf');
  const steps: Buffer[][] = leaves.map(() => []);
  let level = leaves.map((leaf, index) => ({ hash: leafHash(leaf), members: [index] }));
  while (level.length > 1) {
    const next: typeof level = [];
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index] as (typeof level)[number];
      const right = level[index + 1];
      if (!right) {
        next.push(left);
        continue;
      }
      for (const member of left.members)
        steps[member]?.push(Buffer.concat([Uint8Array.of(rightSide), right.hash]));
      for (const member of right.members)
        steps[member]?.push(Buffer.concat([Uint8Array.of(leftSide), left.hash]));
      next.push({ hash: nodeHash(left.hash, right.hash), members: [...left.members, ...right.members] });
    }
    level = next;
  }
  return {
    root: (level[0] as (typeof level)[number]).hash,
    chains: steps.map((own) => Buffer.concat(own)),
  };
}

/** The root that a leaf leads to along its chain; undefined when the chain is not well-formed. */
export function rootOf(leaf: Uint8Array, chain: Buffer): Buffer | undefined {
  if (chain.length % stepLength !== 0) return undefined;
  let reached = leafHash(leaf);
  for (let at = 0; at < chain.length; at += stepLength) {
    const side = chain[at];
    const neighbour = chain.subarray(at + 1, at + stepLength);
    if (side === leftSide) reached = nodeHash(neighbour, reached);
    else if (side === rightSide) reached = nodeHash(reached, neighbour);
    else return undefined;
  }
  return reached;
}
