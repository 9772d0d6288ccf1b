import { badRequest, type Caller, type Handlers, memberOf, notFound, type Person } from '@govstack/platform';
import type { OperationSpec } from '@govstack/platform/operation';
import { sql } from 'kysely';
import { approveBatch, rejectBatch } from '../../batches/approval.ts';
import { readCertificate } from '../../batches/certificate.ts';
import { cancelBatch, resumeBatch } from '../../batches/control.ts';
import {
  type Batch,
  type Instruction,
  listBatches,
  listInstructions,
  readBatch,
  stateTotals,
} from '../../batches/read.ts';
import { retryFailed } from '../../batches/retry.ts';
import { batchStates, type InstructionState, instructionStates, isoStatus } from '../../batches/states.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSignedBySource, type SignedInput } from '../../signatures/verify.ts';
import { assertMayManage, maySee } from '../../sources/access.ts';
import { listProgrammes, readProgramme } from '../../sources/programme.ts';
import { readSource, sourceOfCaller } from '../../sources/source.ts';
import { masked } from '../../vault/vault.ts';
import { paymentsAdmin } from './operations.ts';
import { batchView, instructionView, money, present } from './views.ts';

type RunHandlers = Pick<
  Handlers<typeof paymentsAdmin.operations>,
  | 'listBatches'
  | 'getBatch'
  | 'listInstructions'
  | 'getInstruction'
  | 'listPayeePayments'
  | 'approveBatch'
  | 'rejectBatch'
  | 'cancelBatch'
  | 'resumeBatch'
  | 'retryFailedInstructions'
  | 'getCertificate'
>;

const oneOf = <T extends string>(
  name: string,
  values: readonly T[],
  text: string | undefined,
): T | undefined => {
  if (text === undefined) return undefined;
  const value = values.find((one) => one === text);
  if (value === undefined) throw badRequest(`${name} must be one of ${values.join(', ')}`);
  return value;
};

/** Runs and their results, for the people and applications that may see or decide them. */
export function runHandlers(payments: Payments): RunHandlers {
  const { db } = payments;

  const ownerOf = async (batch: Pick<Batch, 'source_id' | 'programme_id'>) => {
    const source = await readSource(db, batch.source_id);
    const programme =
      batch.programme_id === null ? undefined : await readProgramme(db, batch.source_id, batch.programme_id);
    return { application: source.application, agency: programme?.agency };
  };
  /** A batch its caller may see; one it may not see looks like one that does not exist. */
  const visible = async (batchId: string, caller: Caller, person: Person | undefined): Promise<Batch> => {
    const batch = await readBatch(db, batchId);
    if (batch.purpose !== 'payment' || !maySee(payments, await ownerOf(batch), caller, person))
      throw notFound('Batch');
    return batch;
  };
  /** The same, and its caller may withdraw it or take it further. */
  const managed = async (
    spec: OperationSpec,
    asking: SignedInput & {
      readonly params: { readonly batchId: string };
      readonly person: Person | undefined;
    },
  ): Promise<void> => {
    const { params, caller, person } = asking;
    const batch = await visible(params.batchId, caller, person);
    const owner = await ownerOf(batch);
    assertMayManage(payments, owner, caller, person);
    await assertSignedBySource(payments, { id: batch.source_id, ...owner }, spec, asking);
  };

  /** Programmes of a source that an agency looks after. */
  const programmesOf = async (sourceId: string, agency: string): Promise<string[]> =>
    (await listProgrammes(db, sourceId)).filter((one) => one.agency === agency).map((one) => one.id);

  const views = async (rows: readonly Instruction[]) => {
    const versions = rows.map((row) => row.version_id).filter((id) => id !== null);
    const { rows: addresses } = await sql<{ id: string; address_cipher: Buffer | null }>`
      select id, address_cipher from mapper_version where id = any (${versions}::uuid[])`.execute(db);
    const { rows: retried } = await sql<{ id: string; client_id: string }>`
      select id, client_id from instruction
      where id = any (${rows.map((row) => row.retry_of).filter((id) => id !== null)}::uuid[])`.execute(db);
    const accounts = new Map(
      addresses.map((row) => [
        row.id,
        row.address_cipher === null
          ? undefined
          : masked(payments.vault.open(row.address_cipher, `address/${row.id}`)),
      ]),
    );
    const origins = new Map(retried.map((row) => [row.id, row.client_id]));
    return rows.map((row) =>
      instructionView(payments, row, {
        account: row.version_id === null ? undefined : accounts.get(row.version_id),
        retryOf: row.retry_of === null ? undefined : origins.get(row.retry_of),
      }),
    );
  };

  return {
    async listBatches({ query, caller, person }) {
      const limit = query.limit ?? 50;
      const state = oneOf('state', batchStates, query.state);
      const treasury =
        person === undefined
          ? memberOf(caller.application) === payments.treasury
          : person.agency === payments.treasury &&
            maySee(payments, { application: '', agency: '' }, caller, person);
      const overseer =
        person?.agency !== undefined &&
        maySee(payments, { application: '', agency: person.agency }, caller, person);
      const scope = treasury
        ? {}
        : overseer
          ? { agency: person?.agency as string }
          : { sourceId: (await sourceOfCaller(db, caller.application)).id };
      const rows = await listBatches(db, {
        ...(query.sourceId === undefined ? {} : { sourceId: query.sourceId }),
        ...(query.programmeId === undefined ? {} : { programmeId: query.programmeId }),
        ...(state === undefined ? {} : { state }),
        ...(query.before === undefined ? {} : { before: query.before }),
        ...scope,
        limit: limit + 1,
      });
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: items.map((row) => batchView(payments, row)),
          ...(rows.length > limit ? { next: items.at(-1)?.id as string } : {}),
        },
      };
    },

    async getBatch({ params, caller, person }) {
      const batch = await visible(params.batchId, caller, person);
      const totals = await stateTotals(db, batch.id);
      const approval = await db
        .selectFrom('approval')
        .select(['decision', 'person', 'agency', 'reason', 'at'])
        .where('batch_id', '=', batch.id)
        .executeTakeFirst();
      const history = await db
        .selectFrom('batch_event')
        .select(['from_state', 'to_state', 'reason', 'actor', 'at'])
        .where('batch_id', '=', batch.id)
        .orderBy('id')
        .limit(1000)
        .execute();
      const { rows: subBatches } = await sql<{
        rail_id: string;
        count: string;
        settled: string;
        instructions: string;
      }>`
        select
          rail_id,
          count(*) as count,
          count(*) filter (where state = 'settled') as settled,
          sum(instruction_count) as instructions
        from sub_batch
        where batch_id = ${batch.id}
        group by rail_id
        order by rail_id`.execute(db);
      return {
        status: 200,
        body: {
          ...batchView(payments, batch),
          totals: totals.map((total) => ({
            ...total,
            amount: money(payments, total.amount, batch.currency),
          })),
          ...(approval
            ? {
                approval: {
                  decision: approval.decision,
                  person: approval.person,
                  ...present('agency', approval.agency),
                  ...present('reason', approval.reason),
                  at: approval.at,
                },
              }
            : {}),
          history: history.map((event) => ({
            ...present('from', event.from_state),
            to: event.to_state,
            ...present('reason', event.reason),
            actor: event.actor,
            at: event.at,
          })),
          subBatches: subBatches.map((row) => ({
            rail: row.rail_id,
            count: Number(row.count),
            settled: Number(row.settled),
            instructions: Number(row.instructions),
          })),
        },
      };
    },

    async listInstructions({ params, query, caller, person }) {
      const batch = await visible(params.batchId, caller, person);
      const limit = query.limit ?? 100;
      const state = oneOf('state', instructionStates, query.state);
      const rows = await listInstructions(db, batch.id, {
        ...(state === undefined ? {} : { state }),
        ...(query.after === undefined ? {} : { after: query.after }),
        limit: limit + 1,
      });
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: await views(items),
          ...(rows.length > limit ? { next: items.at(-1)?.position as number } : {}),
        },
      };
    },

    async getInstruction({ params, caller, person }) {
      const row = await db
        .selectFrom('instruction')
        .selectAll()
        .where('id', '=', params.instructionId)
        .executeTakeFirst();
      if (!row) throw notFound('Instruction');
      await visible(row.batch_id, caller, person).catch(() => {
        throw notFound('Instruction');
      });
      const history = await db
        .selectFrom('instruction_event')
        .select(['from_state', 'to_state', 'reason_code', 'at'])
        .where('instruction_id', '=', row.id)
        .orderBy('id')
        .execute();
      const attempts = await db
        .selectFrom('attempt')
        .select(['number', 'state', 'sent_at', 'answered_at', 'answered_by', 'reason_code'])
        .where('instruction_id', '=', row.id)
        .orderBy('number')
        .execute();
      const [view] = await views([row]);
      if (!view) throw notFound('Instruction');
      return {
        status: 200,
        body: {
          ...view,
          history: history.map((event) => ({
            from: event.from_state,
            to: event.to_state,
            isoStatus: isoStatus[event.to_state as InstructionState],
            ...present('reasonCode', event.reason_code),
            at: event.at,
          })),
          attempts: attempts.map((attempt) => ({
            number: attempt.number,
            state: attempt.state,
            sentAt: attempt.sent_at,
            ...present('answeredAt', attempt.answered_at),
            ...present('answeredBy', attempt.answered_by),
            ...present('reasonCode', attempt.reason_code),
          })),
        },
      };
    },

    async listPayeePayments({ body, caller, person }) {
      const source =
        body.sourceId === undefined
          ? await sourceOfCaller(db, caller.application)
          : await readSource(db, body.sourceId);
      const { application } = source;
      // An officer sees what the programmes of their own agency pay, whoever's source it is.
      const everything = maySee(payments, { application, agency: undefined }, caller, person);
      const agency = everything ? undefined : person?.agency;
      const programmes = agency === undefined ? [] : await programmesOf(source.id, agency);
      if (
        !everything &&
        (programmes.length === 0 || !maySee(payments, { application, agency }, caller, person))
      )
        throw notFound('Source');
      const limit = body.limit ?? 50;
      const rows = await db
        .selectFrom('instruction')
        .selectAll()
        .where('source_id', '=', source.id)
        .where('payee_token', '=', payments.vault.token(body.payeeIdentity, `payee/${source.id}`))
        .where('purpose', '=', 'payment')
        .$if(!everything, (query) =>
          query.where(({ exists, selectFrom }) =>
            exists(
              selectFrom('batch')
                .select('batch.id')
                .whereRef('batch.id', '=', 'instruction.batch_id')
                .where('batch.programme_id', 'in', programmes),
            ),
          ),
        )
        .$if(body.before !== undefined, (query) => query.where('id', '<', body.before as string))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: await views(items),
          ...(rows.length > limit ? { next: items.at(-1)?.id as string } : {}),
        },
      };
    },

    async approveBatch({ params, body, caller, person }) {
      const batch = await approveBatch(payments, { batchId: params.batchId, caller, person, ...body });
      return { status: 200, body: batchView(payments, batch) };
    },

    async rejectBatch({ params, body, caller, person }) {
      const batch = await rejectBatch(payments, { batchId: params.batchId, caller, person, ...body });
      return { status: 200, body: batchView(payments, batch) };
    },

    async cancelBatch(asking) {
      const { params, body, caller, person } = asking;
      await managed(paymentsAdmin.operations.cancelBatch, asking);
      const batch = await cancelBatch(payments, params.batchId, { caller, person, reason: body.reason });
      return { status: 200, body: batchView(payments, batch) };
    },

    async resumeBatch(asking) {
      const { params, caller, person } = asking;
      await managed(paymentsAdmin.operations.resumeBatch, asking);
      return {
        status: 200,
        body: batchView(payments, await resumeBatch(payments, params.batchId, { caller, person })),
      };
    },

    async retryFailedInstructions(asking) {
      const { params, caller, person } = asking;
      await managed(paymentsAdmin.operations.retryFailedInstructions, asking);
      const retried = await retryFailed(payments, params.batchId, {
        application: caller.application,
        person: person?.id,
      });
      return { status: 200, body: { batchId: retried.id, repeated: retried.repeated } };
    },

    async getCertificate({ params, caller, person }) {
      await visible(params.batchId, caller, person);
      const { content, hash, issuedAt } = await readCertificate(db, params.batchId);
      return {
        status: 200,
        body: {
          content: {
            ...content,
            byState: [...content.byState],
            byRail: [...content.byRail],
            accounts: [...content.accounts],
          },
          hash,
          issuedAt,
        },
      };
    },
  };
}
