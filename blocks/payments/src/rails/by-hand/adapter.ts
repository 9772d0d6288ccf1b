import type { RailAdapter } from '../port.ts';

/**
 * Institutions that fetch their payments as a file and report what became of them (PAY-6.16.1-b). Nobody is called:
 * what is sent waits, as pending, for the institution's report.
 */
export const byHand: RailAdapter = {
  largestBatch: 1000,
  byHand: true,
  signedNotices: false,
  answerWithinSeconds: 7 * 86_400,
  submit: async (_context, { transfers }) =>
    transfers.map(({ reference }) => ({ reference, outcome: 'pending' })),
  status: async (_context, references) => references.map((reference) => ({ reference, outcome: 'pending' })),
  validate: async () => new Map(),
};
