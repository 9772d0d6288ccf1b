import {
  oversight,
  paymentsAdmin,
  paymentsBillers,
  reconciliation,
  voucherAdmin,
} from '@govstack/payments/api';
import type { Mediation } from '@govstack/platform';

/** Typed ways to the surfaces of the payments block, `payments` being its application. Called with the person's token. */
export const treasuryClients = (mediation: Mediation, payments: string) => ({
  admin: mediation.client(paymentsAdmin, `${payments}/${paymentsAdmin.name}`),
  billers: mediation.client(paymentsBillers, `${payments}/${paymentsBillers.name}`),
  oversight: mediation.client(oversight, `${payments}/${oversight.name}`),
  reconciliation: mediation.client(reconciliation, `${payments}/${reconciliation.name}`),
  vouchers: mediation.client(voucherAdmin, `${payments}/${voucherAdmin.name}`),
});

export type TreasuryClients = ReturnType<typeof treasuryClients>;
type Admin = TreasuryClients['admin'];

export type Run = Awaited<ReturnType<Admin['getBatch']>>['body'];
export type RunSummary = Awaited<ReturnType<Admin['listBatches']>>['body']['items'][number];
export type ProgrammeOfTreasury = Awaited<ReturnType<Admin['getProgramme']>>['body'];
