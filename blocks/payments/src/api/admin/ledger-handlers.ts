import { type Handlers, transaction } from '@govstack/platform';
import { audit } from '../../audit/audit.ts';
import { publishedKeys, rotateKey, statementKey } from '../../callbacks/signing.ts';
import { listCases, resolveCase } from '../../cases/resolve.ts';
import { checkInvariants } from '../../ledger/invariants.ts';
import { listAccounts, listTransfers } from '../../ledger/statements.ts';
import type { Payments } from '../../payments-context.ts';
import { actorOf, assertAdministers, assertOperates, assertTreasury } from '../../sources/access.ts';
import type { paymentsAdmin } from './operations.ts';
import { caseView, money, present } from './views.ts';

type LedgerHandlers = Pick<
  Handlers<typeof paymentsAdmin.operations>,
  | 'listAccounts'
  | 'listTransfers'
  | 'ledgerInvariants'
  | 'listCases'
  | 'resolveCase'
  | 'getSigningKeys'
  | 'rotateSigningKey'
>;

/** The books and what people have to look at: for the treasury. */
export function ledgerHandlers(payments: Payments): LedgerHandlers {
  const { db } = payments;
  const publicKeys = async () => ({
    keys: [
      ...(await publishedKeys(payments, payments.ctx.now())),
      await statementKey(payments, 'decisions'),
    ] as Record<string, unknown>[],
  });
  return {
    async listAccounts({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listAccounts(db, { ...query, limit: limit + 1 });
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: items.map((row) => ({
            accountId: row.id,
            kind: row.kind,
            owner: row.owner,
            currency: row.currency,
            balance: money(payments, row.posted, row.currency),
            free: money(payments, row.free, row.currency),
            debits: money(payments, row.debits, row.currency),
            credits: money(payments, row.credits, row.currency),
          })),
          ...(rows.length > limit ? { next: items.at(-1)?.id as string } : {}),
        },
      };
    },

    async listTransfers({ params, query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listTransfers(db, params.accountId, query.before, limit + 1);
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: items.map((row) => ({
            transferId: row.id,
            sequence: row.sequence,
            type: row.type,
            debit: row.debit_account,
            credit: row.credit_account,
            amount: money(payments, row.amount, row.currency),
            currency: row.currency,
            cause: row.cause,
            causeId: row.cause_id,
            ...present('batchId', row.batch_id),
            ...present('instructionId', row.instruction_id),
            at: row.created_at,
          })),
          ...(rows.length > limit ? { next: items.at(-1)?.sequence as string } : {}),
        },
      };
    },

    async ledgerInvariants({ caller, person }) {
      assertTreasury(payments, caller, person);
      const results = await checkInvariants(db);
      return {
        status: 200,
        body: {
          hold: results.every((result) => result.holds),
          checkedAt: payments.ctx.now().toISOString(),
          results,
        },
      };
    },

    async listCases({ query, caller, person }) {
      assertTreasury(payments, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listCases(db, { ...query, limit: limit + 1 });
      const items = rows.slice(0, limit);
      return {
        status: 200,
        body: {
          items: items.map(caseView),
          ...(rows.length > limit ? { next: items.at(-1)?.id as string } : {}),
        },
      };
    },

    async resolveCase({ params, body, caller, person }) {
      assertOperates(payments, caller, person);
      const row = await resolveCase(payments, params.caseId, { ...body, caller, person });
      return { status: 200, body: caseView(row) };
    },

    async getSigningKeys() {
      return {
        status: 200,
        body: await publicKeys(),
      };
    },

    async rotateSigningKey({ body, caller, person }) {
      assertAdministers(payments, caller, person);
      await transaction(db, async (trx) => {
        if (await rotateKey(payments, trx, body.replaces))
          await audit(trx, {
            component: 'settings',
            action: 'rotate',
            subject: `signing-key/${body.replaces}`,
            actor: actorOf(caller, person),
          });
      });
      return {
        status: 200,
        body: await publicKeys(),
      };
    },
  };
}
