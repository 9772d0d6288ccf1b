import { hash } from 'node:crypto';

const sha256 = (prefix: number, ...parts: readonly Uint8Array[]): Buffer =>
  hash('sha256', Buffer.concat([Uint8Array.of(prefix), ...parts]), 'buffer');

// Different prefixes keep an inner node from being passed off as a leaf (RFC 9162, 2.1.1).
const leafHash = (data: Uint8Array): Buffer => sha256(0, data);
const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(1, left, right);

const stepLength = 33;
const leftSide = 0;
const rightSide = 1;

/** One hash over many messages, from which the place of each can be shown without showing the others. */
export interface HashTree {
  readonly root: Buffer;
  /**
   * The steps from a leaf to the root, 33 bytes each: on which side the neighbour stands (0 left, 1 right) and its
   * hash. Empty for a tree of one leaf.
   */
  chainOf(leaf: number): Buffer;
}

export function buildHashTree(leaves: readonly Uint8Array[]): HashTree {
  if (leaves.length === 0) throw new Error('a hash tree needs a leaf');
  const levels: Buffer[][] = [leaves.map(leafHash)];
  for (let below = levels[0] as Buffer[]; below.length > 1; below = levels.at(-1) as Buffer[]) {
    const level: Buffer[] = [];
    for (let index = 0; index < below.length; index += 2) {
      const left = below[index] as Buffer;
      const right = below[index + 1];
      // Without a neighbour a node rises as it is.
      level.push(right ? nodeHash(left, right) : left);
    }
    levels.push(level);
  }
  return {
    root: levels.at(-1)?.[0] as Buffer,
    chainOf(leaf) {
      const steps: Uint8Array[] = [];
      let place = leaf;
      for (const level of levels) {
        const onRight = place % 2 === 1;
        const neighbour = level[onRight ? place - 1 : place + 1];
        if (neighbour) steps.push(Uint8Array.of(onRight ? leftSide : rightSide), neighbour);
        place = Math.floor(place / 2);
      }
      return Buffer.concat(steps);
    },
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
