import { hash } from 'node:crypto';

/** A leaf is a digest at its place in the chain. Leaves and nodes are told apart (RFC 9162, 2.1.1). */
function leafOf(position: bigint, digest: Uint8Array): Buffer {
  const whole = Buffer.alloc(41);
  whole.writeBigUInt64BE(position, 1);
  whole.set(digest, 9);
  return hash('sha256', whole, 'buffer');
}

function nodeOf(left: Uint8Array, right: Uint8Array): Buffer {
  const both = Buffer.alloc(65, 1);
  both.set(left, 1);
  both.set(right, 33);
  return hash('sha256', both, 'buffer');
}

const stepLength = 33;

/** Every level of the tree over digests at successive places, the leaves first. A node without neighbour rises as it is. */
export function treeOver(first: bigint, digests: readonly Uint8Array[]): readonly (readonly Buffer[])[] {
  const levels: Buffer[][] = [digests.map((digest, index) => leafOf(first + BigInt(index), digest))];
  for (let below = levels[0] as Buffer[]; below.length > 1; below = levels.at(-1) as Buffer[]) {
    const level: Buffer[] = [];
    for (let index = 0; index < below.length; index += 2) {
      const [left, right] = [below[index] as Buffer, below[index + 1]];
      level.push(right ? nodeOf(left, right) : left);
    }
    levels.push(level);
  }
  return levels;
}

export const rootOf = (tree: readonly (readonly Buffer[])[]): Buffer => tree.at(-1)?.[0] as Buffer;

/** Steps from a leaf to the root: on which side the neighbour stands (0 left, 1 right), and its hash. */
export function pathOf(tree: readonly (readonly Buffer[])[], leaf: number): Buffer {
  const steps: Uint8Array[] = [];
  let place = leaf;
  for (const level of tree.slice(0, -1)) {
    const onRight = place % 2 === 1;
    const neighbour = level[onRight ? place - 1 : place + 1];
    if (neighbour) steps.push(Uint8Array.of(onRight ? 0 : 1), neighbour);
    place = Math.floor(place / 2);
  }
  return Buffer.concat(steps);
}

/** The root that a digest at a place leads to along its path; undefined when the path is not well-formed. */
export function reachedBy(position: bigint, digest: Uint8Array, path: Uint8Array): Buffer | undefined {
  if (path.length % stepLength !== 0) return undefined;
  let reached = leafOf(position, digest);
  for (let at = 0; at < path.length; at += stepLength) {
    const neighbour = path.subarray(at + 1, at + stepLength);
    if (path[at] === 0) reached = nodeOf(neighbour, reached);
    else if (path[at] === 1) reached = nodeOf(reached, neighbour);
    else return undefined;
  }
  return reached;
}
