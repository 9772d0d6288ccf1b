import { mediatorAdmin } from '@govstack/information-mediator/api';
import type { Mediation } from '@govstack/platform';
import { agencies, applicationId } from '../lumora/directory.ts';
import { inParallel } from './in-parallel.ts';

/** Answers the calls of an application of the country. */
export type As = (application: string) => Mediation;

/** Where an outside party can be reached, and the key it proves itself with. */
export interface PartyAddress {
  readonly url: string;
  readonly publicKey?: Readonly<Record<string, unknown>>;
}

export interface PartyAddresses {
  readonly bank?: PartyAddress;
  readonly mobileMoney?: PartyAddress;
  readonly sms?: PartyAddress;
  readonly revenue?: PartyAddress;
  readonly bankBills?: PartyAddress;
}

/** Applications of Lumora by what they are for. */
export const applications = {
  mediator: applicationId('DGA', 'information-mediator'),
  governance: applicationId('DGA', 'governance'),
  identity: applicationId('DGA', 'identity'),
  consent: applicationId('DGA', 'consent'),
  registration: applicationId('DGA', 'registration'),
  workflow: applicationId('DGA', 'workflow'),
  messaging: applicationId('DGA', 'messaging'),
  registries: applicationId('DGA', 'digital-registries'),
  portal: applicationId('DGA', 'portal'),
  cashTransfer: applicationId('MSP', 'cash-transfer'),
  socialRegistries: applicationId('MSP', 'social-registries'),
  civilRegistry: applicationId('CRA', 'civil-registry'),
  landRegistry: applicationId('NLA', 'land-registry'),
  taxRegistry: applicationId('LRA', 'tax-registry'),
  farmerRegistry: applicationId('MOA', 'farmer-registry'),
  disabilityRegistry: applicationId('MOH', 'disability-registry'),
  /** The ministry's client of DCI. */
  socialProtection: applicationId('MSP', 'spmis'),
  payments: applicationId('TRE', 'payments'),
  bank: applicationId('FNB', 'rail'),
  mobileMoney: applicationId('LMM', 'rail'),
  sms: applicationId('TEL', 'sms-gateway'),
  /** Property tax bills, and the desk of the bank where its customers pay bills. */
  propertyTax: applicationId('LRA', 'property-tax'),
  bankBills: applicationId('FNB', 'bills'),
} as const;

const a = applications;

/** Who may act for whom: the engine and the counters that work for a service. */
const operators: Readonly<Record<string, readonly string[]>> = {
  [a.cashTransfer]: [a.registration, a.workflow, a.portal],
  // Automations and rooms of registries work in the name of their owner.
  [a.civilRegistry]: [a.registries],
  [a.landRegistry]: [a.registries],
  [a.taxRegistry]: [a.registries],
  [a.socialRegistries]: [a.registries],
};

const local = (application: string, block: string, ...surfaces: string[]) =>
  surfaces.map((surface) => ({ id: `${application}/${surface}`, target: `local:${block}/${surface}` }));

/** Surfaces of a registry owner's: data, registries, and what is made of them. */
const registrySurfaces = [
  'registry-data-v1',
  'registry-database-v1',
  'registry-rights-v1',
  'registry-services-v1',
  'registry-views-v1',
  'registry-sharing-v1',
  'registry-transfer-v1',
  'registry-insight-v1',
  'registry-events-v1',
  'registry-automation-v1',
];
const registryOwners = [
  a.civilRegistry,
  a.landRegistry,
  a.taxRegistry,
  a.socialRegistries,
  a.farmerRegistry,
  a.disabilityRegistry,
];
/** Owners of registries that speak DCI; the civil register speaks FHIR too. */
const dciOwners = [a.civilRegistry, a.socialRegistries, a.farmerRegistry, a.disabilityRegistry];

/** Surfaces of the payments block that people of agencies work with in the portal. */
const officerSurfaces = ['payments-voucher-admin-v1', 'payments-oversight-v1', 'payments-reconciliation-v1'];

const services = [
  ...local(a.identity, 'identity', 'identity-client-mgmt-v1', 'identity-enrolment-v1', 'identity-person-v1'),
  ...local(a.consent, 'consent', 'consent-v1'),
  ...local(a.registration, 'registration', 'registration-v1', 'registration-design-v1', 'events-v1'),
  ...local(a.workflow, 'workflow', 'workflow-v1', 'workflow-admin-v1', 'scim-v2'),
  ...local(a.cashTransfer, 'workflow', 'events-v1'),
  ...local(a.messaging, 'messaging', 'messaging-v1', 'messaging-receipts-v1'),
  ...local(a.payments, 'payments', 'payments-g2p-v1', 'payments-admin-v1', 'payments-rail-callback-v1'),
  ...local(a.payments, 'payments', 'payments-p2g-v1', 'payments-billers-v1', 'payments-collection-v1'),
  ...registryOwners.flatMap((owner) => local(owner, 'digital-registries', ...registrySurfaces)),
  ...dciOwners.flatMap((owner) => local(owner, 'digital-registries', 'registry-mappings-v1', 'dci-v1')),
  ...local(a.civilRegistry, 'digital-registries', 'fhir-r4-v1'),
  ...local(a.payments, 'payments', ...officerSurfaces),
];

interface Grant {
  readonly subject: string;
  readonly service: string;
  readonly endpoints?: readonly { readonly method: string; readonly path: string }[];
}

const grant = (subject: string, ...ids: string[]): Grant[] => ids.map((service) => ({ subject, service }));

/** Everything that is allowed; what is not here is refused. */
const rights: readonly Grant[] = [
  ...grant(a.governance, `${a.identity}/identity-client-mgmt-v1`, `${a.identity}/identity-enrolment-v1`),
  ...grant(
    a.cashTransfer,
    `${a.consent}/consent-v1`,
    `${a.registration}/registration-v1`,
    `${a.registration}/registration-design-v1`,
    `${a.workflow}/workflow-v1`,
    `${a.workflow}/workflow-admin-v1`,
    `${a.messaging}/messaging-v1`,
    `${a.payments}/payments-g2p-v1`,
    `${a.payments}/payments-admin-v1`,
    `${a.socialRegistries}/registry-data-v1`,
    `${a.civilRegistry}/registry-data-v1`,
    `${a.civilRegistry}/registry-events-v1`,
    `${a.landRegistry}/registry-data-v1`,
    `${a.taxRegistry}/registry-data-v1`,
  ),
  ...registryOwners.flatMap((owner) =>
    grant(owner, ...registrySurfaces.map((surface) => `${owner}/${surface}`)),
  ),
  ...dciOwners.flatMap((owner) => [
    ...grant(owner, `${owner}/registry-mappings-v1`),
    ...grant(a.socialProtection, `${owner}/dci-v1`),
  ]),
  ...grant(a.civilRegistry, `${a.civilRegistry}/fhir-r4-v1`),
  ...grant(
    a.portal,
    `${a.identity}/identity-person-v1`,
    `${a.registration}/registration-v1`,
    `${a.consent}/consent-v1`,
    `${a.workflow}/workflow-v1`,
    `${a.workflow}/workflow-admin-v1`,
    `${a.payments}/payments-admin-v1`,
    `${a.mediator}/mediator-admin-v1`,
    `${a.mediator}/mediator-log-v1`,
    `${a.mediator}/mediator-monitoring-v1`,
    `${a.mediator}/mediator-keys-v1`,
  ),
  // The portal acts for people: the registries see their rights, not the portal's.
  ...registryOwners.flatMap((owner) =>
    grant(a.portal, ...registrySurfaces.map((surface) => `${owner}/${surface}`)),
  ),
  ...grant(a.portal, ...officerSurfaces.map((surface) => `${a.payments}/${surface}`)),
  // Receipts and complaints of its payees.
  ...grant(a.cashTransfer, `${a.payments}/payments-oversight-v1`),
  ...grant(
    a.registries,
    `${a.consent}/consent-v1`,
    `${a.identity}/identity-person-v1`,
    `${a.messaging}/messaging-v1`,
  ),
  ...grant(a.payments, `${a.payments}/payments-admin-v1`, `${a.bank}/rail-v1`, `${a.mobileMoney}/rail-v1`),
  ...grant(
    a.payments,
    `${a.payments}/payments-billers-v1`,
    `${a.propertyTax}/biller-v1`,
    `${a.bankBills}/payer-fi-v1`,
  ),
  ...grant(a.propertyTax, `${a.payments}/payments-p2g-v1`, `${a.payments}/payments-billers-v1`),
  ...grant(a.bankBills, `${a.payments}/payments-p2g-v1`, `${a.payments}/payments-billers-v1`),
  ...grant(a.portal, `${a.payments}/payments-billers-v1`, `${a.payments}/payments-collection-v1`),
  ...grant(a.bank, `${a.payments}/payments-rail-callback-v1`),
  ...grant(a.mobileMoney, `${a.payments}/payments-rail-callback-v1`),
  ...grant(a.messaging, `${a.sms}/sms-gateway-v1`),
  ...grant(a.sms, `${a.messaging}/messaging-receipts-v1`),
];

const subscriptions = [
  { source: a.workflow, eventType: 'workflow.user-task-created.v1', subscriber: a.registration },
  { source: a.workflow, eventType: 'workflow.user-task-withdrawn.v1', subscriber: a.registration },
  { source: a.payments, eventType: 'payments.batch-completed.v1', subscriber: a.cashTransfer },
  // Of the registers only that of deaths announces what is made in it.
  { source: a.registries, eventType: 'registries.record-created.v1', subscriber: a.cashTransfer },
  { source: a.registries, eventType: 'registries.records-changed.v1', subscriber: a.cashTransfer },
];

/** As many as the mediator makes together: they share a commit of its log and a reading of the directory. */
const lanes = 16;

/** Writes the directory of Lumora as its governance application. Repeating it changes nothing. */
export async function seedDirectory(as: As, parties: PartyAddresses): Promise<void> {
  const admin = as(a.governance).client(mediatorAdmin, `${a.mediator}/mediator-admin-v1`);
  await inParallel(Object.values(agencies), lanes, async ({ id, name }) => {
    await admin.putMember({ params: { member: id }, body: { name: name.en } });
  });
  const keys: Readonly<Record<string, PartyAddress | undefined>> = {
    [a.bank]: parties.bank,
    [a.mobileMoney]: parties.mobileMoney,
    [a.sms]: parties.sms,
    [a.bankBills]: parties.bankBills,
  };
  await inParallel(Object.values(applications), lanes, async (application) => {
    const publicKey = keys[application]?.publicKey;
    await admin.putApplication({
      params: { application },
      body: {
        name: application.split('/')[3] as string,
        ...(operators[application] ? { operators: [...operators[application]] } : {}),
        ...(publicKey ? { publicKey: { ...publicKey } } : {}),
      },
    });
  });
  const outside = [
    { id: `${a.bank}/rail-v1`, target: parties.bank?.url },
    { id: `${a.mobileMoney}/rail-v1`, target: parties.mobileMoney?.url },
    { id: `${a.sms}/sms-gateway-v1`, target: parties.sms?.url },
    { id: `${a.propertyTax}/biller-v1`, target: parties.revenue?.url },
    { id: `${a.bankBills}/payer-fi-v1`, target: parties.bankBills?.url },
  ];
  const offered = [...services, ...outside].filter(({ target }) => target !== undefined);
  await inParallel(offered, lanes, async ({ id, target }) => {
    await admin.putService({
      params: { service: id },
      body: { title: id.split('/').slice(3).join(' '), target: target as string },
    });
  });
  const known = new Set(offered.map(({ id }) => id));
  // The mediator registers its own services itself.
  const allowed = rights.filter(({ service }) => known.has(service) || service.startsWith(`${a.mediator}/`));
  await inParallel(allowed, lanes, async ({ subject, service, endpoints }) => {
    await admin.putRight({
      params: { service, subject },
      body: endpoints ? { endpoints: [...endpoints] } : {},
    });
  });
  for (const params of subscriptions) await admin.putSubscription({ params });
}
