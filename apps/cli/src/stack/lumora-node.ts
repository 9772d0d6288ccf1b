import { consent } from '@govstack/consent';
import { agencies, countryName } from '@govstack/country';
import { applications } from '@govstack/country/seed';
import { digitalRegistries } from '@govstack/digital-registries';
import { identity } from '@govstack/identity';
import { informationMediator } from '@govstack/information-mediator';
import { messaging } from '@govstack/messaging';
import { payments } from '@govstack/payments';
import type { AnyBlock, BlockSetup } from '@govstack/platform';
import { portal } from '@govstack/portal';
import { registration } from '@govstack/registration';
import { workflow } from '@govstack/workflow';

const a = applications;
const registryOwners = [
  a.civilRegistry,
  a.landRegistry,
  a.taxRegistry,
  a.socialRegistries,
  a.farmerRegistry,
  a.disabilityRegistry,
];
const setup = (block: unknown, application: string, rest: Partial<BlockSetup> = {}): BlockSetup => ({
  block: block as AnyBlock,
  application,
  ...rest,
});

export interface LumoraOptions {
  readonly publicUrl: string;
  readonly smtpUrl: string;
  readonly smsApiKey: string;
  /** One-click personas. */
  readonly demonstration: boolean;
}

/** The blocks of the demonstration country, all in one node. */
export function lumoraBlocks({ publicUrl, smtpUrl, smsApiKey, demonstration }: LumoraOptions): BlockSetup[] {
  return [
    setup(informationMediator, a.mediator, {
      config: {
        bootstrap: { instance: 'LUMORA', governance: a.governance },
        logReaders: [a.portal],
        tryOut: demonstration,
        audiences: [publicUrl, publicUrl.replace('localhost', '127.0.0.1')],
      },
    }),
    setup(identity, a.identity, {
      config: { issuer: `${publicUrl}/id`, country: 'Republic of Lumora', demonstration },
    }),
    setup(consent, a.consent),
    setup(digitalRegistries, a.registries, {
      answersAs: registryOwners,
      config: {
        consentService: `${a.consent}/consent-v1`,
        identityService: `${a.identity}/identity-person-v1`,
        messagingService: `${a.messaging}/messaging-v1`,
        consoles: [a.portal],
        publicUrl,
        shareUrl: `${publicUrl}/shared`,
      },
    }),
    // Events for the processes of a service are delivered to the service's own application.
    setup(workflow, a.workflow, {
      answersAs: [a.workflow, a.cashTransfer],
      config: { observerRoles: ['programme-manager', 'auditor'] },
    }),
    setup(registration, a.registration),
    setup(payments, a.payments, { config: { currencies: { XLD: 2 }, collectionPortals: [a.portal] } }),
    setup(messaging, a.messaging, {
      config: {
        smtpUrl,
        smsService: `${a.sms}/sms-gateway-v1`,
        smsApiKey,
        from: 'Republic of Lumora <no-reply@lumora.example>',
      },
    }),
  ];
}

/** The portal of Lumora, an application of the Digital Government Agency. */
export function lumoraPortal(publicUrl: string): BlockSetup {
  return setup(portal, a.portal, {
    config: {
      publicUrl,
      issuer: `${publicUrl}/id`,
      country: { ...countryName },
      demonstration: true,
      services: {
        registration: `${a.registration}/registration-v1`,
        consent: `${a.consent}/consent-v1`,
        messaging: `${a.messaging}/messaging-v1`,
        payments: `${a.payments}/payments-admin-v1`,
        workflow: `${a.workflow}/workflow-v1`,
        messageLog: `${a.mediator}/mediator-log-v1`,
      },
      mediator: a.mediator,
      registries: registryOwners.map((owner) => ({
        service: `${owner}/registry-data-v1`,
      })),
      names: Object.fromEntries(Object.values(agencies).map(({ id, name }) => [id, { ...name }])),
    },
  });
}
