import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildHashTree, rootOf } from '../src/evidence/hash-tree.ts';

const leaves = fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 }), { minLength: 1, maxLength: 40 });

it('every leaf leads to the root along its chain', () => {
  fc.assert(
    fc.property(leaves, (all) => {
      const { root, chainOf } = buildHashTree(all);
      for (const [index, leaf] of all.entries())
        expect(rootOf(leaf, chainOf(index))?.equals(root)).toBe(true);
    }),
  );
});

it('nothing else does: another leaf, a changed chain, an inner node', () => {
  fc.assert(
    fc.property(leaves, fc.nat(), fc.nat(), (all, which, where) => {
      const { root, chainOf } = buildHashTree(all);
      const index = which % all.length;
      const chain = chainOf(index);
      const altered = Uint8Array.from(all[index] as Uint8Array);
      altered[where % altered.length] = (altered[where % altered.length] as number) ^ 1;
      expect(rootOf(altered, chain)?.equals(root) ?? false).toBe(false);
      if (chain.length === 0) return;
      const bent = Buffer.from(chain);
      const at = where % bent.length;
      bent[at] = (bent[at] as number) ^ 1;
      expect(rootOf(all[index] as Uint8Array, bent)?.equals(root) ?? false).toBe(false);
      expect(rootOf(all[index] as Uint8Array, chain.subarray(1))).toBeUndefined();
    }),
  );
});
