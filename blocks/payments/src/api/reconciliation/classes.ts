/** What a line of a statement is. `told`: a line of a notification, which a statement will book. */
export const lineClasses = [
  'matched',
  'missing-here',
  'amount-differs',
  'duplicate-at-bank',
  'reversal',
  'return',
  'charge',
  'deposit',
  'transfer',
  'opening',
  'told',
] as const;
export type LineClass = (typeof lineClasses)[number];

/** What waits for a person. */
export const itemClasses = [
  'missing-at-bank',
  'missing-here',
  'amount-differs',
  'duplicate-at-bank',
  'charge',
  'deposit',
] as const;
export type ItemClass = (typeof itemClasses)[number];

/**
 * What a person can make of an item: `match` it with a payment, which it is about after all; take it as a `charge` of a
 * rail; as a `transfer` between two accounts, the other side being another line; as the sum of budget `releases`; put it
 * into `suspense`; bear it as a `loss` of a programme; `accept` another amount for a payment; say that a payment missing at
 * the bank was `not-executed`, or that it was, whatever the bank shows (`acknowledged`).
 */
export const resolutionNames = [
  'match',
  'charge',
  'transfer',
  'releases',
  'suspense',
  'loss',
  'accept',
  'not-executed',
  'acknowledged',
] as const;
export type ResolutionName = (typeof resolutionNames)[number];
