import type { Caller, Person } from '@govstack/platform';
import type { Reader } from '../access/access.ts';
import { type GroundHeaders, groundOf, noGround } from '../access/ground.ts';

/** Who reads or writes, on what ground, and with which key to what is secret. */
export const readerOf = (
  caller: Caller,
  person: Person | undefined,
  headers?: GroundHeaders & { readonly 'x-registry-key'?: string },
): Reader => ({
  caller,
  person,
  ground: headers ? groundOf(headers) : noGround,
  registryKey: headers?.['x-registry-key'],
});
