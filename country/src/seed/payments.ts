import { paymentsAdmin, paymentsBillers } from '@govstack/payments/api';
import { bankCode, mobileMoneyCode } from '../lumora/account-number.ts';
import { agencies } from '../lumora/directory.ts';
import {
  programmeBankAccount,
  programmeWalletFloat,
  revenueBankAccount,
} from '../lumora/government-accounts.ts';
import { currency } from '../lumora/republic.ts';
import { type As, applications, type PartyAddresses } from './directory.ts';

const { bank, bankBills, mobileMoney, payments, cashTransfer, propertyTax } = applications;

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

const billers = (as: As) => as(payments).client(paymentsBillers, `${payments}/payments-billers-v1`);
const propertyTaxName = 'Lumora Revenue Authority, property tax';

/** Institutions where bills can be paid. Repeating it changes nothing. */
export async function seedPayers(as: As): Promise<void> {
  await billers(as).putPayerInstitution({
    params: { payerId: 'FNB' },
    body: {
      application: bankBills,
      name: agencies.FNB.name.en,
      bic: bankCode,
      service: `${bankBills}/payer-fi-v1`,
    },
  });
}

/** What stands before the numbers of property tax bills; undefined while they cannot be paid. */
export async function propertyTaxPrefix(as: As): Promise<string | undefined> {
  const { items } = (await billers(as).listBillers({ query: { limit: 500 } })).body;
  return items.find((one) => one.name === propertyTaxName)?.prefix;
}

/** Lets property tax in as a biller: one officer proposes it, another approves. Answers the prefix of its bills. */
export async function onboardPropertyTax(
  as: As,
  officers: { readonly maker: string; readonly checker: string },
): Promise<string> {
  const { body: proposal } = await billers(as).proposeBiller({
    body: {
      name: propertyTaxName,
      shortName: 'LRA',
      agency: agencies.LRA.id,
      application: propertyTax,
      service: `${propertyTax}/biller-v1`,
      group: 'tax',
      currency: currency.code,
      billIdLength: 12,
      billIdCheck: 'none',
      allowsPartPayment: false,
      statusCodes: { OPEN: 'unpaid', PAID: 'paid', EXPIRED: 'expired' },
      inquiryTimeoutSeconds: 5,
      disclaimer: 'Property tax that was paid is not paid back; objections go to the Revenue Authority.',
      institution: bankCode,
      account: revenueBankAccount,
    },
    personToken: officers.maker,
  });
  const { body } = await billers(as).approveBillerProposal({
    params: { proposalId: proposal.proposalId },
    personToken: officers.checker,
  });
  return body.prefix ?? '';
}
