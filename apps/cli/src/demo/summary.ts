import { applications } from '@govstack/country/seed';
import { registryData, registryDatabase } from '@govstack/digital-registries/api';
import { mediatorLog } from '@govstack/information-mediator/api';
import { messagingApi } from '@govstack/messaging/api';
import { paymentsAdmin } from '@govstack/payments/api';
import { registrationApi } from '@govstack/registration/api';
import { workflowAdmin } from '@govstack/workflow/api';
import type { Stack } from '../stack/start-stack.ts';

const social = applications.socialRegistries;

export const figuresOf = async (stack: Stack) => {
  const registration = stack
    .as(stack.service.application)
    .client(registrationApi, `${applications.registration}/registration-v1`);
  const { body } = await registration.readStatistics({ query: { serviceId: stack.service.serviceId } });
  return body[0] as (typeof body)[number];
};

/** Every enrolled household, by beneficiary number. */
export async function enrolled(stack: Stack): Promise<Map<string, { amount: string }>> {
  const registries = stack.as(social).client(registryData, `${social}/registry-data-v1`);
  const found = new Map<string, { amount: string }>();
  let after: string | undefined;
  do {
    const { body } = await registries.searchRecords({
      params: { registryName: 'beneficiary-registry', versionNumber: 'latest' },
      headers: { 'x-purpose': 'Figures of the programme' },
      body: { pageSize: 1000, ...(after === undefined ? {} : { after }) },
    });
    for (const { content } of body.results) {
      const number = content.beneficiaryNumber as string;
      if (found.has(number)) throw new Error(`beneficiary ${number} is enrolled twice`);
      found.set(number, { amount: content.amount as string });
    }
    after = body.next;
  } while (after !== undefined);
  return found;
}

/** Throws when each of the undecided applications waits for an operator: nothing will move by itself. */
export const stopIfStuck = async (stack: Stack, pending: number): Promise<void> => {
  const { incidents } = (
    await stack
      .as(stack.service.application)
      .client(workflowAdmin, `${applications.workflow}/workflow-admin-v1`)
      .listIncidents({ query: { limit: 500 } })
  ).body;
  if (incidents.length < pending) return;
  const places = new Set(incidents.map(({ elementId, message }) => `${elementId}: ${message}`));
  throw new Error(`${pending} applications cannot go on\n${[...places].slice(0, 10).join('\n')}`);
};

/** The service's messages to applicants and payees, by state. */
export const messagesOf = async (stack: Stack): Promise<Record<string, number>> =>
  (
    await stack
      .as(stack.service.application)
      .client(messagingApi, `${applications.messaging}/messaging-v1`)
      .readStatusCounts({})
  ).body;

export interface Invariant {
  readonly name: string;
  readonly holds: boolean;
  readonly detail: string;
}

/** What must be true at the end, whatever happened on the way. */
export async function invariantsOf(stack: Stack): Promise<Invariant[]> {
  const payments = stack
    .as(applications.payments)
    .client(paymentsAdmin, `${applications.payments}/payments-admin-v1`);
  const ledger = (await payments.ledgerInvariants({})).body;
  const log = stack.as(applications.portal).client(mediatorLog, `${applications.mediator}/mediator-log-v1`);
  const registries = stack.as(social).client(registryDatabase, `${social}/registry-database-v1`);
  const changes = (await registries.verifyChanges({})).body;
  let next = 1n;
  let exchanges = 0;
  let signatures = 0;
  let broken: string | undefined;
  for (let head = 1n; next <= head && broken === undefined; ) {
    const { body } = await log.verifyChain({ query: { from: next.toString(), limit: 50_000 } });
    exchanges += body.exchanges;
    signatures += body.signaturesVerified;
    broken = body.broken?.at;
    head = BigInt(body.head);
    if (body.records === 0) break;
    next = BigInt(body.to) + 1n;
  }
  return [
    ...ledger.results.map((one) => ({ name: `ledger ${one.id}`, holds: one.holds, detail: one.statement })),
    {
      name: 'message log',
      holds: broken === undefined,
      detail: `${exchanges} exchanges, chain and ${signatures} signatures checked`,
    },
    {
      name: 'registry changes',
      holds: changes.brokenAt === null,
      detail: `${changes.changes} changes, chain checked`,
    },
  ];
}
