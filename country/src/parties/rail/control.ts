import { Type } from 'typebox';
import { faultControl } from '../faults/control.ts';
import { closed } from '../faults/parts.ts';
import { type Operation, operation, Refusal } from '../http/operation.ts';
import { callbackControl } from '../notices/control.ts';
import { toDecimal, toMinor } from './amount.ts';
import type { Rail } from './engine.ts';
import { RailFaults } from './faults.ts';

const Done = Type.Object({}, closed);
const done = { status: 200, body: {} } as const;

const Totals = Type.Object({
  transfers: Type.Record(Type.String(), Type.Integer(), { description: 'Number of transfers in each state' }),
  funds: Type.Array(
    Type.Object({
      account: Type.String(),
      currency: Type.String(),
      balance: Type.String(),
      credited: Type.String({ description: 'Deposits and returns' }),
      debited: Type.String(),
    }),
  ),
  noticesPending: Type.Integer(),
});

/** What the people who run the simulator may do. It is served on a port of its own, which nobody else is given. */
export function railControl(rail: Rail): Operation[] {
  const { book, faults } = rail;
  return [
    ...faultControl(RailFaults, faults),
    operation({
      id: 'putPayees',
      method: 'PUT',
      path: '/control/accounts',
      summary: 'Open or close accounts or wallets, or say who holds them',
      bodyLimit: 16 * 1024 * 1024,
      body: Type.Array(
        Type.Object(
          {
            number: Type.String({ minLength: 1, maxLength: 34 }),
            standing: Type.Union([Type.Literal('open'), Type.Literal('closed'), Type.Literal('unknown')]),
            holder: Type.Optional(Type.String({ minLength: 1, maxLength: 140 })),
          },
          closed,
        ),
        { minItems: 1, maxItems: 10_000 },
      ),
      responses: { 200: Done },
      handle: async ({ body }) => {
        for (const payee of body) rail.record({ type: 'payee', ...payee });
        await rail.durable();
        return done;
      },
    }),
    operation({
      id: 'postDeposit',
      method: 'POST',
      path: '/control/deposits',
      summary: 'Put money on a funding account, once per reference',
      body: Type.Object(
        {
          account: Type.String({ minLength: 1, maxLength: 34 }),
          amount: Type.String({ maxLength: 24 }),
          reference: Type.String({ minLength: 1, maxLength: 50 }),
        },
        closed,
      ),
      responses: { 200: Done },
      handle: async ({ body: { account, amount, reference } }) => {
        const funds = book.funds(account);
        if (!funds) throw new Refusal(404, 'There is no such funding account');
        const minor = toMinor(amount, funds.currency);
        if (minor === undefined || minor === 0n) throw new Refusal(422, 'The amount is not valid');
        if (!book.hasDeposit(reference)) {
          rail.record({
            type: 'deposit',
            reference,
            account,
            amount: String(minor),
            at: new Date().toISOString(),
          });
        }
        await rail.durable();
        return done;
      },
    }),
    callbackControl(rail.delivery),
    operation({
      id: 'getTotals',
      method: 'GET',
      path: '/control/totals',
      summary: 'The whole book in numbers',
      responses: { 200: Totals },
      handle: async () => {
        const transfers: Record<string, number> = {};
        const accounts = new Set<string>();
        for (const { state, order } of book.transfers()) {
          transfers[state] = (transfers[state] ?? 0) + 1;
          accounts.add(order.debtor);
        }
        const first = book.funds();
        if (first) accounts.add(first.account);
        await rail.durable();
        return {
          status: 200,
          body: {
            transfers,
            funds: [...accounts].flatMap((account) => {
              const funds = book.funds(account);
              if (!funds) return [];
              const sum = (direction: 'credit' | 'debit'): string =>
                toDecimal(
                  funds.entries.reduce(
                    (total, entry) => (entry.direction === direction ? total + entry.amount : total),
                    0n,
                  ),
                  funds.currency,
                );
              return {
                account,
                currency: funds.currency,
                balance: toDecimal(funds.balance, funds.currency),
                credited: sum('credit'),
                debited: sum('debit'),
              };
            }),
            noticesPending: rail.delivery.pending(),
          },
        };
      },
    }),
  ];
}
