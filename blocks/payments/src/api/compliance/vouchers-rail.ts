import type { RailAdapter } from '../../rails/port.ts';

/** Accounts that cannot be credited, and why: AM04 the funding account is short, AC04 the account is closed. */
const reasons: ReadonlyMap<string, string> = new Map([
  ['Vigor Bank Group', 'AM04'],
  ['Omega Holding Company', 'AC04'],
]);

/** Stands in for the banks of the suite's merchants, which exist nowhere: credits at once what can be credited. */
export const suiteRail: RailAdapter = {
  signedNotices: false,
  largestBatch: 1000,
  submit: async (_context, { transfers }) =>
    transfers.map(({ reference, address }) => {
      const reasonCode = reasons.get(address);
      return reasonCode === undefined
        ? { reference, outcome: 'succeeded' }
        : { reference, outcome: 'failed', reasonCode };
    }),
  status: async (_context, references) =>
    references.map((reference) => ({ reference, outcome: 'not-received' })),
  validate: async (_context, { accounts }) =>
    new Map(
      accounts.flatMap(({ reference, address }) => {
        const reasonCode = reasons.get(address);
        return reasonCode === undefined ? [] : [[reference, reasonCode] as const];
      }),
    ),
};
