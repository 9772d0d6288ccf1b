import { badRequest, type Caller, type Handlers, type Person, transaction } from '@govstack/platform';
import { audit } from '../../audit/audit.ts';
import { instructionStates } from '../../batches/states.ts';
import { customerCsv, customerInitiation } from '../../institutions/file.ts';
import {
  type Institution,
  institutionOfCaller,
  listInstitutions,
  putInstitution,
} from '../../institutions/institution.ts';
import { customerFile, customerPayments, customerSubBatches } from '../../institutions/payments-of.ts';
import { takeUpload } from '../../institutions/results.ts';
import type { Payments } from '../../payments-context.ts';
import { actorOf, assertAdministers, assertTreasury } from '../../sources/access.ts';
import { masked } from '../../vault/vault.ts';
import { money, present } from '../admin/views.ts';
import type { institutionOperations } from './institution-operations.ts';
import { pageOf } from './shapes.ts';

const institutionView = ({ code, name, member, active }: Institution) => ({ code, name, member, active });

const outcomes = { completed: 'succeeded', failed: 'failed', returned: 'returned' } as const;

/** Institutions of payees: each sees and processes the payments of its own customers. */
export function institutionHandlers(payments: Payments): Handlers<typeof institutionOperations> {
  const { db } = payments;

  /** The file of a sub-batch; that it was fetched is on record before it is given out. */
  const fetched = async (
    code: string,
    subBatchId: string,
    caller: Caller,
    person: Person | undefined,
    form: string,
  ) => {
    await institutionOfCaller(db, code, caller, person);
    const rows = await customerFile(payments, code, subBatchId);
    await audit(db, {
      component: 'institutions',
      action: 'fetch',
      subject: `sub-batch/${subBatchId}`,
      actor: actorOf(caller, person),
      detail: { institution: code, form, payments: rows.length },
    });
    return rows;
  };

  return {
    async putInstitution({ params, body, caller, person }) {
      assertAdministers(payments, caller, person);
      const row = await transaction(db, (trx) =>
        putInstitution(
          trx,
          { code: params.code, name: body.name, member: body.member, active: body.active ?? true },
          actorOf(caller, person),
        ),
      );
      return { status: 200, body: institutionView(row) };
    },

    async listInstitutions({ caller, person }) {
      const own = person?.roles.includes('fsp-officer') ? person.agency : undefined;
      if (own === undefined) assertTreasury(payments, caller, person);
      const items = (await listInstitutions(db)).filter((one) => own === undefined || one.member === own);
      return { status: 200, body: { items: items.map(institutionView) } };
    },

    async listCustomerSubBatches({ params, query, caller, person }) {
      await institutionOfCaller(db, params.code, caller, person);
      const limit = query.limit ?? 100;
      const rows = await customerSubBatches(payments, params.code, {
        before: query.before,
        limit: limit + 1,
      });
      const { items, next } = pageOf(rows, limit, (row) => row.subBatchId);
      return {
        status: 200,
        body: {
          items: items.map((row) => ({ ...row, amount: money(payments, row.amount, row.currency) })),
          ...next,
        },
      };
    },

    async listCustomerPayments({ params, query, caller, person }) {
      await institutionOfCaller(db, params.code, caller, person);
      const state = instructionStates.find((one) => one === query.state);
      if (query.state !== undefined && state === undefined)
        throw badRequest(`state must be one of ${instructionStates.join(', ')}`);
      const limit = query.limit ?? 100;
      const rows = await customerPayments(payments, params.code, {
        subBatchId: query.subBatchId,
        state,
        after: query.after,
        limit: limit + 1,
      });
      const { items, next } = pageOf(rows, limit, (row) => row.instructionId);
      return {
        status: 200,
        body: {
          items: items.map(({ narration, reasonCode, ...row }) => ({
            ...row,
            account: masked(row.account),
            ...present('narration', narration),
            ...present('reasonCode', reasonCode),
          })),
          ...next,
        },
      };
    },

    async getCustomerFile({ params: { code, subBatchId }, caller, person }) {
      const rows = await fetched(code, subBatchId, caller, person, 'initiation');
      return { status: 200, body: customerInitiation(code, subBatchId, rows, payments.ctx.now()) };
    },

    async getCustomerTable({ params: { code, subBatchId }, caller, person }) {
      const rows = await fetched(code, subBatchId, caller, person, 'table');
      return { status: 200, body: customerCsv(code, rows) };
    },

    async reportCustomerResults({ params, body, caller, person }) {
      await institutionOfCaller(db, params.code, caller, person);
      const { repeated } = await takeUpload(payments, params.code, {
        id: body.uploadId,
        actor: actorOf(caller, person),
        results: body.results.map((one) => ({
          reference: one.reference,
          outcome: outcomes[one.status],
          ...(one.institutionReference === undefined ? {} : { railReference: one.institutionReference }),
          ...(one.reasonCode === undefined ? {} : { reasonCode: one.reasonCode }),
        })),
      });
      return { status: 200, body: { uploadId: body.uploadId, repeated } };
    },
  };
}
