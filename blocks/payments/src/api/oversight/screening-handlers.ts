import { forbidden, type Handlers, notFound, transaction } from '@govstack/platform';
import { assertMayAudit, scopeOf } from '../../audit/access.ts';
import { readBatch } from '../../batches/read.ts';
import { sharedAccounts } from '../../mapper/shared.ts';
import type { Payments } from '../../payments-context.ts';
import { type Check, listChecks, putCheck } from '../../screening/checks.ts';
import { decideReview, listReviews, type Review, readReview } from '../../screening/review.ts';
import { actorOf, assertAdministers, assertMayManage, assertTreasury, maySee } from '../../sources/access.ts';
import { present } from '../admin/views.ts';
import { ownerOf } from '../visible-run.ts';
import type { screeningOperations } from './screening-operations.ts';
import { pageOf } from './shapes.ts';

const checkView = (row: Check) => ({
  checkId: row.id,
  name: row.name,
  kind: row.kind,
  service: row.service,
  ...present('sourceId', row.source_id),
  ...present('programmeId', row.programme_id),
  onHit: row.on_hit,
  sendsAccount: row.sends_account,
  timeoutSeconds: row.timeout_seconds,
  active: row.active,
});

const reviewView = (row: Review, names: ReadonlyMap<string, string>) => ({
  reviewId: row.id,
  batchId: row.batch_id,
  instructionId: row.instruction_id,
  check: row.check_id,
  ...present('checkName', names.get(row.check_id)),
  ...present('reasonCode', row.reason_code),
  state: row.state,
  openedAt: row.opened_at,
  ...present('decidedBy', row.decided_by),
  ...present('decidedAt', row.decided_at),
  ...present('note', row.note),
});

/** Checks of payees, and the people who look at what they found. */
export function screeningHandlers(payments: Payments): Handlers<typeof screeningOperations> {
  const { db } = payments;
  const checkNames = async () => new Map((await listChecks(db)).map((check) => [check.id, check.name]));

  return {
    async putScreeningCheck({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const check = await transaction(db, (trx) =>
        putCheck(
          trx,
          {
            id: params.checkId,
            name: body.name,
            kind: body.kind,
            service: body.service,
            source_id: body.sourceId ?? null,
            programme_id: body.programmeId ?? null,
            on_hit: body.onHit,
            sends_account: body.sendsAccount ?? false,
            timeout_seconds: body.timeoutSeconds ?? 20,
            active: body.active ?? true,
          },
          actorOf(caller, person),
        ),
      );
      return { status: 200, body: checkView(check) };
    },

    async listScreeningChecks({ caller, person }) {
      assertTreasury(payments, caller, person);
      return { status: 200, body: { items: (await listChecks(db)).map(checkView) } };
    },

    async listReviews({ query, caller, person }) {
      const scope = await scopeOf(payments, caller, person);
      if (scope.sourceId !== undefined) throw forbidden('Reviews are for officers');
      const limit = query.limit ?? 100;
      const rows = await listReviews(db, { ...query, ...scope, limit: limit + 1 });
      const { items, next } = pageOf(rows, limit, (row) => row.id);
      const names = await checkNames();
      return { status: 200, body: { items: items.map((row) => reviewView(row, names)), ...next } };
    },

    async decideReview({ params, body, caller, person }) {
      const review = await readReview(db, params.reviewId);
      const owner = await ownerOf(db, await readBatch(db, review.batch_id));
      if (!maySee(payments, owner, caller, person)) throw notFound('Review');
      assertMayManage(payments, owner, caller, person);
      const decided = await decideReview(payments, review.id, {
        decision: body.decision,
        note: body.note,
        person: person.id,
        actor: actorOf(caller, person),
      });
      return { status: 200, body: reviewView(decided, await checkNames()) };
    },

    async listSharedAccounts({ query, caller, person }) {
      assertMayAudit(payments, caller, person);
      const items = await sharedAccounts(payments, query.least ?? 2);
      return {
        status: 200,
        body: {
          items: items.map((one) => ({ ...one, sources: [...one.sources], entries: [...one.entries] })),
        },
      };
    },
  };
}
