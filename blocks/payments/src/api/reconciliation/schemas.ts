import { Type } from '@govstack/platform/operation';

export const Amount = Type.String({
  pattern: '^[0-9]{1,18}(\\.[0-9]{1,8})?$',
  description: 'Decimal text in the currency',
});
export const Modality = Type.Union([
  Type.Literal('00'),
  Type.Literal('01'),
  Type.Literal('03'),
  Type.Literal('04'),
]);

export const oneOf = <T extends string>(values: readonly T[]) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values] });

/** Applications of the treasury, and its officers. */
export const treasury = { caller: 'application', person: 'optional' } as const;
/** A person of the treasury who decides about money. */
export const officer = {
  caller: 'application',
  person: 'required',
  roles: ['administrator', 'payment-approver'],
} as const;
/** Whoever may see a run: its source, the treasury, officers of both. */
export const overseer = { caller: 'application', person: 'optional' } as const;
