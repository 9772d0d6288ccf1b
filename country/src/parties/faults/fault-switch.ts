import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import type { Static, TSchema } from 'typebox';

/** Reads a file of faults of a party. Throws with what is wrong in it. */
export function readFaults<S extends TSchema>(schema: S, path: string | undefined): Static<S> | undefined {
  if (path === undefined) return undefined;
  const validate = new Ajv({ strict: false }).compile(JSON.parse(JSON.stringify(schema)));
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (validate(value)) return value as Static<S>;
  const [first] = validate.errors ?? [];
  throw new Error(`${path}: ${first?.instancePath || 'the file'} ${first?.message ?? 'is not valid'}`);
}

/** A number in [0, 1) that depends on nothing but the text: the same requests are struck in every run. */
export function chanceOf(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}

export interface FaultSwitch<F> {
  current(): F;
  set(faults: F): void;
  /** Whether a fault with this share strikes this reference. */
  strikes(fault: { readonly share: number } | undefined, kind: string, reference: string): boolean;
  /** As `strikes`, but only the first `times` times. */
  strikesAgain(
    fault: { readonly share: number; readonly times?: number } | undefined,
    kind: string,
    reference: string,
  ): boolean;
}

const mostRemembered = 200_000;

/** The faults of a party, changeable while it runs. */
export function faultSwitch<F extends { readonly seed?: string }>(initial: F): FaultSwitch<F> {
  let faults = initial;
  const struck = new Map<string, number>();
  const strikes: FaultSwitch<F>['strikes'] = (fault, kind, reference) =>
    fault !== undefined && chanceOf(`${faults.seed ?? 'lumora'}:${kind}:${reference}`) < fault.share;
  return {
    current: () => faults,
    set(next) {
      faults = next;
      struck.clear();
    },
    strikes,
    strikesAgain(fault, kind, reference) {
      if (!strikes(fault, kind, reference)) return false;
      const key = `${kind}:${reference}`;
      const before = struck.get(key) ?? 0;
      if (before >= (fault?.times ?? 1)) return false;
      if (struck.size >= mostRemembered) struck.delete(struck.keys().next().value as string);
      struck.set(key, before + 1);
      return true;
    },
  };
}
