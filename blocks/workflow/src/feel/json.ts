/** A value as it is stored and sent: process variables, requests, answers. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Named values: process variables, the context of an expression. */
export type Variables = { readonly [name: string]: Json };

export const isRecord = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === 'object' &&
  value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);
