import { isMobileNumber, mobileMoneyCode } from '../lumora/account-number.ts';
import { programmeWalletFloat } from '../lumora/government-accounts.ts';
import { currency } from '../lumora/republic.ts';
import { inOwnWords, mobileMoneyOperations } from './mobile-money/operations.ts';
import { runParty } from './program/run.ts';
import { railOptions, startRail } from './rail/run-rail.ts';

/** Lumora Mobile Money: a payer rail whose results come by notice. Run with `node country/src/parties/mobile-money.ts`. */
await runParty({
  name: 'Lumora Mobile Money',
  options: railOptions,
  start: (options) =>
    startRail(
      {
        info: {
          title: 'Lumora Mobile Money',
          description:
            'Transfers to wallets. A simulator of an outside party: no wallet and no money here is real.',
          version: '1.0.0',
        },
        rail: {
          institution: { code: mobileMoneyCode, issued: isMobileNumber, limit: 1_000_000n },
          settles: { when: 'later', afterMs: 20 },
          inOwnWords,
        },
        funds: [
          {
            account: programmeWalletFloat,
            currency: currency.code,
            holder: 'Treasury, social protection',
            balance: 100_000_000_000n,
          },
        ],
        operations: mobileMoneyOperations,
      },
      options,
    ),
});
