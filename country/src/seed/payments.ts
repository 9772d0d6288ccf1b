import { paymentsAdmin } from '@govstack/payments/api';
import { bankCode, mobileMoneyCode } from '../lumora/account-number.ts';
import { agencies } from '../lumora/directory.ts';
import { programmeBankAccount, programmeWalletFloat } from '../lumora/government-accounts.ts';
import { currency } from '../lumora/republic.ts';
import { type As, applications, type PartyAddresses } from './directory.ts';

const { bank, mobileMoney, payments, cashTransfer } = applications;

/** Rails, the programme as a source of payments, and a budget. Repeating it changes nothing. */
export async function seedPayments(as: As, parties: PartyAddresses, budget: string): Promise<void> {
  const treasury = as(payments).client(paymentsAdmin, `${payments}/payments-admin-v1`);
  const keyOf = (party: PartyAddresses['bank']) =>
    party?.publicKey ? { publicKey: { ...party.publicKey } } : {};
  await treasury.putRail({
    params: { railId: 'fnb' },
    body: {
      adapter: 'bank',
      service: `${bank}/rail-v1`,
      name: agencies.FNB.name.en,
      modalities: ['00'],
      institutions: [bankCode],
      currencies: [currency.code],
      batchSize: 500,
      concurrency: 4,
      ...keyOf(parties.bank),
    },
  });
  await treasury.putRail({
    params: { railId: 'lmm' },
    body: {
      adapter: 'mobile-money',
      service: `${mobileMoney}/rail-v1`,
      name: agencies.LMM.name.en,
      modalities: ['01'],
      institutions: [mobileMoneyCode],
      currencies: [currency.code],
      debtorAccount: programmeWalletFloat,
      batchSize: 500,
      concurrency: 4,
      ...keyOf(parties.mobileMoney),
    },
  });
  const sourceId = 'cash-transfer';
  await treasury.putSource({
    params: { sourceId },
    body: { application: cashTransfer, name: 'Social cash transfer', institutionId: 'MSP' },
  });
  const params = { sourceId, programmeId: 'cash-transfer' };
  await treasury.putProgramme({
    params,
    body: {
      name: 'Social cash transfer',
      agency: agencies.MSP.id,
      currency: currency.code,
      fundingAccount: programmeBankAccount,
      payerRail: 'fnb',
      maximumInstructionAmount: '500.00',
    },
  });
  await treasury.releaseBudget({
    params,
    body: { reference: 'budget-2026', amount: budget, currency: currency.code },
  });
}
