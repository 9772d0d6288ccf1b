import { type Handlers, notFound, type Person } from '@govstack/platform';
import type { OperationSpec } from '@govstack/platform/operation';
import { type Batch, readBatch } from '../../batches/read.ts';
import { pauseBatch, setPriority } from '../../batches/run-control.ts';
import { isoStatus } from '../../batches/states.ts';
import { decideUnknown } from '../../cases/decide.ts';
import { failWaiting, stopBatch } from '../../dispatch/stop.ts';
import { trafficReport } from '../../dispatch/traffic-report.ts';
import { askNow, listUnknowns } from '../../dispatch/unknowns.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSignedBySource, type SignedInput } from '../../signatures/verify.ts';
import { actorOf, assertMayManage, assertOperates, assertTreasury, maySee } from '../../sources/access.ts';
import { readProgramme } from '../../sources/programme.ts';
import { readSource } from '../../sources/source.ts';
import { dispatchOperations } from './dispatch-operations.ts';
import { batchView, money, present } from './views.ts';

type AboutBatch = SignedInput & {
  readonly params: { readonly batchId: string };
  readonly person: Person | undefined;
};

/** Who lets payments leave and holds them back: the managers of a run; the treasury for rails and for priorities. */
export function dispatchHandlers(payments: Payments): Handlers<typeof dispatchOperations> {
  const { db } = payments;

  const managed = async (spec: OperationSpec, asking: AboutBatch): Promise<void> => {
    const { caller, person } = asking;
    const batch = await readBatch(db, asking.params.batchId);
    if (batch.purpose !== 'payment' || batch.programme_id === null) throw notFound('Batch');
    const source = await readSource(db, batch.source_id);
    const { agency } = await readProgramme(db, batch.source_id, batch.programme_id);
    const owner = { application: source.application, agency };
    if (!maySee(payments, owner, caller, person)) throw notFound('Batch');
    assertMayManage(payments, owner, caller, person);
    await assertSignedBySource(payments, { id: source.id, ...owner }, spec, asking);
  };
  const runState = (batch: Batch) => {
    const { batchId, state, paused, stopped, priority } = batchView(payments, batch);
    return { batchId, state, paused, stopped, priority };
  };

  return {
    async pauseBatch(asking) {
      const { params, body, caller, person } = asking;
      await managed(dispatchOperations.pauseBatch, asking);
      const by = { actor: actorOf(caller, person), reason: body.reason };
      return { status: 200, body: runState(await pauseBatch(payments, params.batchId, by)) };
    },

    async stopBatch(asking) {
      const { params, body, caller, person } = asking;
      await managed(dispatchOperations.stopBatch, asking);
      const by = { actor: actorOf(caller, person), reason: body.reason };
      return { status: 200, body: runState(await stopBatch(payments, params.batchId, by)) };
    },

    async setBatchPriority({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const by = { actor: actorOf(caller, person), reason: body.reason };
      const batch = await setPriority(payments, params.batchId, body.priority, by);
      return { status: 200, body: runState(batch) };
    },

    async failWaitingInstructions(asking) {
      const { params, body, caller, person } = asking;
      await managed(dispatchOperations.failWaitingInstructions, asking);
      const by = { actor: actorOf(caller, person), reason: body.reason };
      return { status: 200, body: { failed: await failWaiting(payments, params.batchId, body.railId, by) } };
    },

    async listRailTraffic({ caller, person }) {
      assertTreasury(payments, caller, person);
      const items = await trafficReport(payments);
      return {
        status: 200,
        body: {
          items: items.map(({ restUntil, oldestOutAt, ...one }) => ({
            ...one,
            ...present('restUntil', restUntil),
            ...present('oldestOutAt', oldestOutAt),
          })),
        },
      };
    },

    async listUnknowns({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listUnknowns(db, {
        ...(query.railId === undefined ? {} : { railId: query.railId }),
        ...(query.after === undefined ? {} : { after: query.after }),
        olderThanSeconds: query.olderThanSeconds ?? 0,
        limit: limit + 1,
      });
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: items.map((row) => ({
            instructionId: row.id,
            batchId: row.batch_id,
            rail: row.rail_id,
            amount: money(payments, row.amount, row.currency),
            currency: row.currency,
            state: row.state,
            isoStatus: isoStatus[row.state],
            ...present('reasonCode', row.reason_code),
            firstSentAt: row.first_sent_at,
            sends: row.sends,
            asked: row.asked,
          })),
          ...(rows.length > limit ? { next: items.at(-1)?.id as string } : {}),
        },
      };
    },

    async askRail({ params, caller, person }) {
      assertOperates(payments, caller, person);
      const { said, state } = await askNow(payments, params.instructionId);
      return { status: 200, body: { said, state, isoStatus: isoStatus[state] } };
    },

    async decideUnknown({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const decided = await decideUnknown(payments, params.instructionId, { ...body, caller, person });
      return { status: 200, body: { caseId: decided.id, outcome: body.outcome } };
    },
  };
}
