import { Problem } from '@govstack/platform';

/** Kinds of errors (RFC 7644, 3.12). */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue';

/** A refusal that says which kind of error it is. */
export const refusal = (type: ScimType, detail: string): Problem =>
  new Problem(type === 'uniqueness' ? 409 : 400, detail, { type });
