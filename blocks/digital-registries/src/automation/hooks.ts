import { createHmac, timingSafeEqual } from 'node:crypto';
import { badRequest, type Caller, type Jobs, memberOf, notFound, once, Problem } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Gate } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { RegistryTables } from '../tables.ts';
import { type AutomationRow, startRun } from './automations.ts';
import { scopeOf, writeTargets } from './carry-out.ts';
import { type Definition, readDefinition } from './definition.ts';
import { automationReader } from './run.ts';

/** Secrets of hooks follow from the block's own and are kept nowhere; a new generation is another secret. */
export type HookSecret = (automation: Pick<AutomationRow, 'id' | 'secret_generation'>) => Buffer;

export const hookSecrets =
  (key: Buffer): HookSecret =>
  ({ id, secret_generation }) =>
    createHmac('sha256', key).update(`${id}/${secret_generation}`).digest();

/** The secret as Standard Webhooks writes it. */
export const shownSecret = (secret: Buffer): string => `whsec_${secret.toString('base64')}`;

export interface Delivery {
  readonly id: string;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  /** As it came: bytes, or JSON that was read. */
  readonly body: unknown;
}

const toleranceMs = 5 * 60_000;

/** Whether a delivery is signed with the secret, as Standard Webhooks has it: `v1,` and HMAC-SHA256 in base64. */
export function isSigned(secret: Buffer, { id, timestamp, signature, body }: Delivery, now: Date): boolean {
  if (timestamp === undefined || signature === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now.getTime() - Number(timestamp) * 1000) > toleranceMs) return false;
  const content = body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(content).digest();
  return signature
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => Buffer.from(one.slice('v1,'.length), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}

function payloadOf(body: unknown): unknown {
  if (!(body instanceof Uint8Array)) return body;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw badRequest('The body is not well-formed JSON');
  }
}

export interface HookWorks {
  readonly db: Kysely<RegistryTables>;
  readonly jobs: Jobs;
  readonly gate: Gate;
  readonly hash: SubjectHash;
  readonly application: string;
  readonly secretOf: HookSecret;
  readonly now: () => Date;
}

function assertMay(
  works: HookWorks,
  row: AutomationRow,
  { when }: Definition,
  caller: Caller,
  delivery: Delivery,
): void {
  // Who may not use a hook does not learn that there is one.
  if (when.kind !== 'hook') throw notFound('Hook');
  const own = memberOf(caller.application) === memberOf(row.owner);
  if (when.callers.length > 0 && !own && !when.callers.includes(caller.application)) throw notFound('Hook');
  if (when.signed && !isSigned(works.secretOf(row), delivery, works.now()))
    throw new Problem(401, 'The delivery is not signed with the secret of the hook, or not now');
}

/**
 * Takes a delivery: what follows from it is written in all registries or none, or a run over the source begins; once
 * for each id of a delivery (REG-6.1-19-d).
 */
export async function deliver(
  works: HookWorks,
  row: AutomationRow,
  caller: Caller,
  delivery: Delivery,
): Promise<{ readonly run: string | null; readonly records: string[] }> {
  const { db, jobs, gate, hash, application } = works;
  const definition = readDefinition(row.definition);
  assertMay(works, row, definition, caller, delivery);
  if (row.state !== 'active')
    throw new Problem(503, 'The automation is paused', { headers: { 'retry-after': '60' } });
  const payload = payloadOf(delivery.body);
  const { body } = await once(
    db,
    { scope: `hook/${row.id}`, key: delivery.id, request: payload },
    async (trx) => {
      if (definition.source !== undefined)
        return {
          status: 202,
          body: { run: await startRun(trx, jobs, row.id, 'hook'), records: [] as string[] },
        };
      const reader = automationReader(row.owner, row.code, application, `delivery ${delivery.id}`);
      const scope = await scopeOf(trx, { gate, hash, reader }, undefined, payload);
      const records: string[] = [];
      await writeTargets(trx, { gate, hash, reader }, definition, scope, (uuid) => records.push(uuid));
      return { status: 202, body: { run: null as string | null, records } };
    },
  );
  return body;
}
