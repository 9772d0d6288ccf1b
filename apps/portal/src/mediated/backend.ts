import type { BlockContext } from '@govstack/platform';
import type { Backend } from '../backend.ts';
import type { PortalSettings } from '../site/settings.ts';
import { createApplications } from './applications.ts';
import { createBills } from './bills.ts';
import { createCatalogue } from './catalogue.ts';
import { createClients } from './clients.ts';
import { createConsents } from './consents.ts';
import { createDataUses } from './data-uses.ts';
import { createExchanges } from './exchanges.ts';
import { createMessages } from './messages.ts';
import { createNames } from './names.ts';
import { createPaymentRuns } from './payment-runs.ts';
import { createPaymentsReceived } from './payments-received.ts';
import { createProgrammes } from './programmes.ts';
import { createTasks } from './tasks.ts';

/** The building blocks behind the pages, each called through the information mediator under its published API. */
export function mediatedBackend(context: BlockContext<PortalSettings>): Backend {
  const { services, registries, names: known } = context.config;
  if (!services)
    throw new Error('the portal needs the service ids of the building blocks (setting services)');
  const names = createNames(known);
  const clients = createClients(context.mediation, services);
  const catalogue = createCatalogue(clients, names);
  const consents = createConsents(clients, catalogue, names);
  return {
    services: catalogue.services,
    service: catalogue.service,
    agreement: consents.agreement,
    giveConsent: consents.giveConsent,
    consents: consents.consents,
    withdrawConsent: consents.withdrawConsent,
    ...createApplications(clients, catalogue, consents),
    ...createMessages(clients, catalogue, names),
    ...createPaymentsReceived(clients, catalogue),
    ...createBills(clients),
    ...createDataUses(clients, registries, names),
    ...createTasks(clients, catalogue),
    ...createProgrammes(clients, catalogue, names, context.now),
    ...createPaymentRuns(clients, catalogue),
    ...createExchanges(clients, names),
  };
}
