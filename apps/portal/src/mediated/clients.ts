import { consentApi } from '@govstack/consent/api';
import { registryData } from '@govstack/digital-registries/api';
import { mediatorLog } from '@govstack/information-mediator/api';
import { messagingApi } from '@govstack/messaging/api';
import { collection, oversight, paymentsAdmin } from '@govstack/payments/api';
import type { Mediation } from '@govstack/platform';
import { registrationApi } from '@govstack/registration/api';
import { workflowApi } from '@govstack/workflow/api';
import type { BlockServices } from '../site/settings.ts';

/** Typed ways to the building blocks through the information mediator. `as`: the application acted for. */
export function createClients(mediation: Mediation, services: BlockServices) {
  const asOwner = (owner: string): { as: string } => ({ as: owner });
  const paymentsApplication = services.payments.split('/').slice(0, 4).join('/');
  return {
    registration: mediation.client(registrationApi, services.registration),
    payments: mediation.client(paymentsAdmin, services.payments),
    bills: mediation.client(collection, `${paymentsApplication}/${collection.name}`),
    messageLog: mediation.client(mediatorLog, services.messageLog),
    consentOf: (owner: string) => mediation.client(consentApi, services.consent, asOwner(owner)),
    messagesOf: (owner: string) => mediation.client(messagingApi, services.messaging, asOwner(owner)),
    paymentsOf: (owner: string) => mediation.client(paymentsAdmin, services.payments, asOwner(owner)),
    receiptsOf: (owner: string) =>
      mediation.client(oversight, `${paymentsApplication}/${oversight.name}`, asOwner(owner)),
    processesOf: (owner: string) => mediation.client(workflowApi, services.workflow, asOwner(owner)),
    registry: (service: string) => mediation.client(registryData, service),
  };
}

export type Clients = ReturnType<typeof createClients>;
