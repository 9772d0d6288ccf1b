import { bankCode, isAccountNumber } from '../lumora/account-number.ts';
import { programmeBankAccount } from '../lumora/government-accounts.ts';
import { currency } from '../lumora/republic.ts';
import { bankOperations } from './bank/operations.ts';
import { runParty } from './program/run.ts';
import { railOptions, startRail } from './rail/run-rail.ts';

/** First National Bank of Lumora: a payer rail that answers at once. Run with `node country/src/parties/bank.ts`. */
await runParty({
  name: 'First National Bank of Lumora',
  options: railOptions,
  start: (options) =>
    startRail(
      {
        info: {
          title: 'First National Bank of Lumora',
          description:
            'Credit transfers. A simulator of an outside party: no account and no money here is real.',
          version: '1.0.0',
        },
        rail: { institution: { code: bankCode, issued: isAccountNumber }, settles: { when: 'at-once' } },
        funds: [
          {
            account: programmeBankAccount,
            currency: currency.code,
            holder: 'Treasury, social protection',
            balance: 100_000_000_000n,
          },
        ],
        operations: bankOperations,
      },
      options,
    ),
});
