/**
 * Deterministic random numbers (xoshiro128**). Only integer arithmetic and the four basic operations are used, never
 * Math.log or Math.cos, so that a seed gives the same people in every release of every runtime.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [from, to], both included. */
  integer(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** One of the keys, in proportion to its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K;
  /** About normally distributed, mean 0, deviation 1, never beyond 6. */
  normal(): number;
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}

function hash(text: string, start: number): number {
  let value = start;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return mix(value);
}

/** An independent stream for each seed, index and purpose: drawing more from one changes no other. */
export function randomStream(seed: string, index: number, purpose = ''): Random {
  const first = hash(seed, 0x811c9dc5);
  const second = hash(seed, 0x3c6ef372) ^ hash(purpose, 0x1b873593);
  let a = first;
  let b = second;
  let c = mix(index + 0x9e3779b9);
  let d = mix(Math.floor(index / 2 ** 32) ^ 0x5bd1e995) | 1;
  const draw = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
  for (let round = 0; round < 16; round++) draw();

  const next = (): number => draw() / 2 ** 32;
  const integer = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick: (values) => values[integer(0, values.length - 1)] as (typeof values)[number],
    weighted(weights) {
      const keys = Object.keys(weights) as (keyof typeof weights)[];
      let total = 0;
      for (const key of keys) total += weights[key];
      let left = next() * total;
      for (const key of keys) {
        left -= weights[key];
        if (left < 0) return key;
      }
      return keys[keys.length - 1] as (typeof keys)[number];
    },
    normal() {
      let sum = -6;
      for (let draws = 0; draws < 12; draws++) sum += next();
      return sum;
    },
  };
}

/** A number from -infinity to infinity as a probability: 0 gives one half, 1 gives five sixths. */
export const probability = (value: number): number => 0.5 + (0.5 * value) / (0.5 + Math.abs(value));
