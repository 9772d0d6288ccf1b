import { badRequest, forbidden, type Handlers } from '@govstack/platform';
import { assertKeyCustodian, scopeOf } from '../../audit/access.ts';
import type { Payments } from '../../payments-context.ts';
import { type Dimension, dimensions, payeeReport, paymentReport } from '../../reporting/report.ts';
import { actorOf } from '../../sources/access.ts';
import { listSources } from '../../sources/source.ts';
import { listKeys, rotateKey } from '../../vault/keys.ts';
import { money } from '../admin/views.ts';
import type { reportOperations } from './report-operations.ts';

const isDimension = (name: string): name is Dimension => Object.hasOwn(dimensions, name);

/** Reports over what somebody may see, and the keys of the vault. */
export function reportHandlers(payments: Payments): Handlers<typeof reportOperations> {
  const { db } = payments;
  return {
    async reportPayments({ query, caller, person }) {
      const scope = await scopeOf(payments, caller, person);
      if (scope.sourceId !== undefined && query.sourceId !== undefined && query.sourceId !== scope.sourceId)
        throw forbidden('A source sees reports of its own payments');
      const names = query.by === undefined ? [] : query.by.split(',');
      const by = names.filter(isDimension);
      if (by.length !== names.length)
        throw badRequest(`by takes any of ${Object.keys(dimensions).join(', ')}`);
      const lines = await paymentReport(payments, { ...query, ...scope, by });
      return {
        status: 200,
        body: {
          items: lines.map((line) => ({
            by: Object.fromEntries(by.map((name, index) => [name, line.keys[index] ?? ''])),
            currency: line.currency,
            payments: line.payments,
            amount: line.amount,
            completed: line.completed,
            completedAmount: line.completedAmount,
            failed: line.failed,
            open: line.open,
            successShare:
              line.completed + line.failed === 0 ? 0 : line.completed / (line.completed + line.failed),
            averageTurnaroundSeconds: line.averageTurnaround,
            longestTurnaroundSeconds: line.longestTurnaround,
            turnaroundBreaches: line.turnaroundBreaches,
          })),
        },
      };
    },

    async reportPayee({ body, caller, person }) {
      const scope = await scopeOf(payments, caller, person);
      const sourceIds =
        scope.sourceId === undefined ? (await listSources(db)).map((source) => source.id) : [scope.sourceId];
      const lines = await payeeReport(payments, body.payeeIdentity, sourceIds, scope.agency);
      return {
        status: 200,
        body: {
          items: lines.map((line) => ({ ...line, amount: money(payments, line.amount, line.currency) })),
        },
      };
    },

    async listVaultKeys({ person }) {
      assertKeyCustodian(payments, person);
      const keys = await listKeys(db);
      return {
        status: 200,
        body: { items: keys.map((key) => ({ ...key, sealed: key.sealed.map((one) => ({ ...one })) })) },
      };
    },

    async rotateVaultKey({ body, caller, person }) {
      assertKeyCustodian(payments, person);
      const number = await rotateKey(payments, {
        actor: actorOf(caller, person),
        reason: body.reason,
        replaces: body.replaces,
      });
      return { status: 200, body: { number } };
    },
  };
}
