import { Type } from 'typebox';
import { type Operation, operation, Refusal } from '../http/operation.ts';
import { toDecimal } from './amount.ts';
import { camt053 } from './camt053.ts';
import type { Rail } from './engine.ts';
import { Text } from './schemas.ts';

const pageSize = 500;

/** Statement of a funding account: what came in and went out, in the order of booking. */
export function getStatement(rail: Rail): Operation {
  return operation({
    id: 'getStatement',
    method: 'GET',
    path: '/statement',
    summary: 'Movements on a funding account, oldest first',
    query: Type.Object({
      account: Type.Optional(Text(34, 'Funding account; the first one of the customer by default')),
      from: Type.Optional(
        Type.String({ format: 'date-time', description: 'Movements booked at this time or later' }),
      ),
      format: Type.Optional(
        Type.Literal('camt.053', { description: 'All of them as an ISO 20022 statement (XML)' }),
      ),
      page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
    }),
    responses: {
      200: Type.Object({
        account: Type.String(),
        currency: Type.String(),
        page: Type.Integer(),
        pages: Type.Integer(),
        balance: Type.String({ description: 'Balance now' }),
        entries: Type.Array(
          Type.Object({
            entry: Type.Integer({ description: 'Number of the movement on the account' }),
            bookedAt: Type.String({ format: 'date-time' }),
            direction: Type.Union([Type.Literal('credit'), Type.Literal('debit')]),
            reference: Type.String(),
            railReference: Type.String(),
            counterparty: Type.String(),
            amount: Type.String(),
            balance: Type.String({ description: 'Balance after the movement' }),
          }),
        ),
      }),
    },
    handle: async ({ query: { account, from, format, page = 1 } }) => {
      const funds = rail.book.funds(account);
      if (!funds) throw new Refusal(404, 'There is no such funding account');
      const since = from === undefined ? undefined : new Date(from).toISOString();
      const entries =
        since === undefined ? funds.entries : funds.entries.filter(({ bookedAt }) => bookedAt >= since);
      if (format === 'camt.053') {
        const now = new Date().toISOString();
        const file = camt053(funds, entries, since ?? entries[0]?.bookedAt ?? now, now);
        await rail.durable();
        return { status: 200, body: file, headers: { 'content-type': 'application/xml; charset=utf-8' } };
      }
      const { currency, balance } = funds;
      const body = {
        account: funds.account,
        currency,
        page,
        pages: Math.max(1, Math.ceil(entries.length / pageSize)),
        balance: toDecimal(balance, currency),
        entries: entries.slice((page - 1) * pageSize, page * pageSize).map((entry) => ({
          ...entry,
          amount: toDecimal(entry.amount, currency),
          balance: toDecimal(entry.balance, currency),
        })),
      };
      await rail.durable();
      return { status: 200, body };
    },
  });
}
