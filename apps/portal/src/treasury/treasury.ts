import type { BlockContext } from '@govstack/platform';
import type { Backend } from '../backend.ts';
import { createNames, memberOfId } from '../mediated/names.ts';
import type { PortalSettings } from '../site/settings.ts';
import type { Site } from '../site/visit.ts';
import { billerPages } from './billers.ts';
import { casePages } from './cases.ts';
import { treasuryClients } from './clients.ts';
import { customerPages } from './customers.ts';
import { disputePages } from './disputes.ts';
import { feePages } from './fees.ts';
import { keyPages } from './keys.ts';
import { ledgerPages } from './ledger.ts';
import { messagePages } from './messages.ts';
import { overviewPages } from './overview.ts';
import { partnerPages } from './partner-settings.ts';
import { paymentPages } from './payments.ts';
import { trafficPages } from './rails.ts';
import { reconciliationPages } from './reconciliation.ts';
import { recordPages } from './records.ts';
import { reviewPages } from './reviews.ts';
import { runPages } from './run.ts';
import { runListPages } from './runs.ts';
import { settingPages } from './settings.ts';
import { settlementPages } from './settlement.ts';
import type { TreasuryParts } from './shell.ts';
import { voucherSettingPages } from './voucher-settings.ts';
import { voucherPages } from './vouchers.ts';

/** The console of payments; without the payments block in the settings there is none. */
export function treasuryPages(site: Site, context: BlockContext<PortalSettings>, backend: Backend): void {
  const { services, names, approverRole, timeZone } = context.config;
  if (services === undefined) return;
  const application = services.payments.split('/').slice(0, 4).join('/');
  const day = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const parts: TreasuryParts = {
    site,
    clients: treasuryClients(context.mediation, application),
    backend,
    names: createNames(names),
    treasury: memberOfId(application),
    approverRole,
    today: () => day.format(context.now()),
  };
  for (const register of [
    overviewPages,
    runListPages,
    runPages,
    paymentPages,
    trafficPages,
    casePages,
    reviewPages,
    voucherPages,
    voucherSettingPages,
    reconciliationPages,
    settlementPages,
    feePages,
    billerPages,
    disputePages,
    customerPages,
    messagePages,
    recordPages,
    keyPages,
    ledgerPages,
    settingPages,
    partnerPages,
  ])
    register(parts);
}
