import { type Handlers, memberOf, notFound } from '@govstack/platform';
import { assertMayAudit } from '../../audit/access.ts';
import { audit } from '../../audit/audit.ts';
import {
  type Disclosure,
  decideDisclosure,
  listDisclosures,
  readDisclosed,
  requestDisclosure,
} from '../../audit/disclosure.ts';
import { queryAudit } from '../../audit/query.ts';
import { readSignature } from '../../batches/approval-signature.ts';
import { readBatch } from '../../batches/read.ts';
import type { Payments } from '../../payments-context.ts';
import { search } from '../../search/search.ts';
import { actorOf, maySee } from '../../sources/access.ts';
import { present } from '../admin/views.ts';
import { ownerOf } from '../visible-run.ts';
import type { auditOperations } from './audit-operations.ts';
import { pageOf } from './shapes.ts';

const disclosureView = (row: Disclosure) => ({
  disclosureId: row.id,
  entryId: row.entry_id,
  reason: row.reason,
  requestedBy: row.requested_by,
  requestedAt: row.requested_at,
  ...present('decision', row.decision),
  ...present('decidedBy', row.decided_by),
  ...present('decidedAt', row.decided_at),
});

/** The audit log, for the treasury's auditors. */
export function auditHandlers(payments: Payments): Handlers<typeof auditOperations> {
  const { db } = payments;
  return {
    async listAuditEntries({ query, caller, person }) {
      assertMayAudit(payments, caller, person);
      const limit = query.limit ?? 100;
      const { items, next } = pageOf(
        await queryAudit(db, { ...query, limit: limit + 1 }),
        limit,
        (row) => row.sequence,
      );
      const { limit: _limit, before: _before, ...filter } = query;
      await audit(db, {
        component: 'audit',
        action: 'query',
        subject: 'audit-log',
        actor: actorOf(caller, person),
        detail: filter,
      });
      return {
        status: 200,
        body: {
          items: items.map((row) => ({
            entryId: row.id,
            sequence: row.sequence,
            component: row.component,
            action: row.action,
            subject: row.subject,
            actor: row.actor,
            ...present('terminal', row.terminal),
            outcome: row.outcome,
            detail: row.detail,
            ...present('keyId', row.key_id),
            correlationId: row.correlation_id,
            at: row.at,
          })),
          ...next,
        },
      };
    },

    async requestDisclosure({ params, body, caller, person }) {
      assertMayAudit(payments, caller, person);
      const row = await requestDisclosure(payments, params.entryId, {
        person: person.id,
        actor: actorOf(caller, person),
        reason: body.reason,
      });
      return { status: 200, body: disclosureView(row) };
    },

    async listDisclosures({ query, caller, person }) {
      assertMayAudit(payments, caller, person);
      const limit = query.limit ?? 100;
      const { items, next } = pageOf(
        await listDisclosures(db, { ...query, limit: limit + 1 }),
        limit,
        (row) => row.id,
      );
      return { status: 200, body: { items: items.map(disclosureView), ...next } };
    },

    async decideDisclosure({ params, body, caller, person }) {
      assertMayAudit(payments, caller, person);
      const row = await decideDisclosure(payments, params.disclosureId, {
        person: person.id,
        actor: actorOf(caller, person),
        decision: body.decision,
      });
      return { status: 200, body: disclosureView(row) };
    },

    async readDisclosure({ params, caller, person }) {
      assertMayAudit(payments, caller, person);
      const disclosed = await readDisclosed(payments, params.disclosureId, {
        person: person.id,
        actor: actorOf(caller, person),
      });
      return { status: 200, body: { ...disclosed } };
    },

    async searchRecords({ body, caller, person }) {
      assertMayAudit(payments, caller, person);
      return { status: 200, body: { items: await search(payments, body) } };
    },

    async getApprovalSignature({ params, caller, person }) {
      const batch = await readBatch(db, params.batchId);
      const owner = await ownerOf(db, batch);
      const treasury = person === undefined && memberOf(caller.application) === payments.treasury;
      if (!treasury && !maySee(payments, owner, caller, person)) throw notFound('Batch');
      const row = await readSignature(db, batch.id);
      return {
        status: 200,
        body: { signature: row.signature, tokenHash: row.token_hash, claims: row.claims, at: row.at },
      };
    },
  };
}
