/** A value as it is stored and sent: process variables, requests, answers. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Named values: process variables, the context of an expression. */
export type Variables = { readonly [name: string]: Json };

const deepest = 500;

const within = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((one) => within(one, levels - 1)));

/** Whether the database cannot keep a value: it has NUL characters or halves of surrogate pairs, or is too deep. */
export const cannotBeStored = (value: unknown): boolean =>
  !within(value, deepest) || /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/.test(JSON.stringify(value ?? null));

/** A text as the database keeps it. */
export const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

export const isRecord = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === 'object' &&
  value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);
