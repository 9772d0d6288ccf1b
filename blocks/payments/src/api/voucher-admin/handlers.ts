import {
  badRequest,
  type Caller,
  conflict,
  type Handlers,
  notFound,
  type Person,
  transaction,
} from '@govstack/platform';
import type { JWK } from 'jose';
import { sql } from 'kysely';
import { audit } from '../../audit/audit.ts';
import type { Payments } from '../../payments-context.ts';
import { assertSignedBySource } from '../../signatures/verify.ts';
import { actorOf, assertAdministers } from '../../sources/access.ts';
import { readProgramme } from '../../sources/programme.ts';
import { readSource } from '../../sources/source.ts';
import { assertVoucherAdministrator, assertVoucherOverseer, mayOversee } from '../../vouchers/access.ts';
import { cancelVouchers } from '../../vouchers/cancel.ts';
import { type Control, controlVoucher } from '../../vouchers/control.ts';
import { keyEncryption, putRecipientKey } from '../../vouchers/details.ts';
import {
  groupCursor,
  type KnownGroup,
  listVoucherGroups,
  putVoucherGroup,
  readVoucherGroup,
} from '../../vouchers/groups.ts';
import { assertVoucherKeyCustodian, listVoucherKeys, rotateVoucherKey } from '../../vouchers/keys.ts';
import { locateVoucher } from '../../vouchers/locate.ts';
import { listMerchants, putMerchant } from '../../vouchers/merchants.ts';
import { listVouchers, stockReport, voucherHistory, voucherLiability } from '../../vouchers/read.ts';
import { listRedemptions } from '../../vouchers/redemption.ts';
import { VoucherRefused } from '../../vouchers/refused.ts';
import { voucherStates } from '../../vouchers/states.ts';
import { provisionVouchers } from '../../vouchers/stock.ts';
import { findVoucher, type Voucher } from '../../vouchers/voucher.ts';
import { money } from '../admin/views.ts';
import { amountIn } from '../amount-in.ts';
import { voucherAdmin } from './operations.ts';
import { groupView, historyView, merchantView, redemptionView, stockView, voucherView } from './views.ts';

/** Administration of vouchers. Every look at voucher data is kept, not only changes (PAY-6.2.5-d). */
export function voucherAdminHandlers(payments: Payments): Handlers<typeof voucherAdmin.operations> {
  const { db } = payments;
  const looked = (caller: Caller, person: Person | undefined, subject: string) =>
    audit(db, { component: 'vouchers', action: 'read', subject, actor: actorOf(caller, person) });
  const agencyOf = async (voucher: Pick<Voucher, 'source_id' | 'programme_id'>) =>
    (await readProgramme(db, voucher.source_id, voucher.programme_id)).agency;
  /** Whose vouchers somebody sees: everybody's, or those of their own agency. */
  const agencySeen = (caller: Caller, person: Person | undefined): string | undefined => {
    assertVoucherOverseer(payments, person?.agency, caller, person);
    return mayOversee(payments, undefined, caller, person) ? undefined : person?.agency;
  };
  /** A page of the groups somebody sees, and the cursor of the next. */
  const seenGroups = async (
    caller: Caller,
    person: Person | undefined,
    limit: number,
    filter: Pick<Parameters<typeof listVoucherGroups>[1], 'sourceId' | 'codes' | 'after'>,
  ) => {
    const agency = agencySeen(caller, person);
    const rows = await listVoucherGroups(db, { ...filter, agency, limit: limit + 1 });
    const items = rows.slice(0, limit);
    return { items, next: rows.length > limit ? { next: groupCursor(items.at(-1) as KnownGroup) } : {} };
  };
  const group = async (sourceId: string, code: string) => {
    const [found] = await listVoucherGroups(db, { sourceId, codes: [code], limit: 1 });
    if (!found) throw notFound('Voucher group');
    return groupView(payments, found);
  };
  /** A voucher whose programme's overseers include the caller; others look like one that does not exist. */
  const visible = async (serial: string, caller: Caller, person: Person | undefined): Promise<Voucher> => {
    const voucher = await findVoucher(db, serial);
    if (!voucher || !mayOversee(payments, await agencyOf(voucher), caller, person)) throw notFound('Voucher');
    return voucher;
  };
  const control =
    (what: Control | 'cancel') =>
    async (asking: {
      readonly params: { readonly serialNumber: string };
      readonly body: { readonly reason: string };
      readonly caller: Caller;
      readonly person: Person | undefined;
    }) => {
      const { caller, person, body } = asking;
      const serial = asking.params.serialNumber;
      const voucher = await visible(serial, caller, person);
      assertVoucherAdministrator(payments, await agencyOf(voucher), caller, person);
      const by = { actor: actorOf(caller, person), reason: body.reason };
      const failures = await transaction(db, async (trx) => {
        if (what === 'cancel') return cancelVouchers(payments, trx, voucher.source_id, [serial], by);
        await controlVoucher(payments, trx, serial, what, by);
        return [];
      });
      const [failure] = failures;
      if (failure) throw conflict(failure.failureReason);
      return {
        status: 200 as const,
        body: voucherView(payments, (await findVoucher(db, serial)) as Voucher),
      };
    };

  return {
    async putVoucherGroup({ params, body, caller, person }) {
      const programme = await readProgramme(db, params.sourceId, body.programmeId).catch((error: unknown) => {
        // Who may not set up groups does not hear which programmes there are.
        assertAdministers(payments, caller, person);
        throw error;
      });
      assertVoucherAdministrator(payments, programme.agency, caller, person);
      await transaction(db, (trx) =>
        putVoucherGroup(
          trx,
          programme,
          {
            code: params.groupCode,
            name: body.name,
            description: body.description,
            validitySeconds: body.validitySeconds,
            merchantGroups: body.merchantGroups ?? [],
            onDemand: body.onDemand ?? false,
            forRuns: body.forRuns ?? false,
            variableAmounts: body.variableAmounts ?? false,
            cancelSuspended: body.cancelSuspended ?? false,
            payeeCheck: body.payeeCheck,
            active: body.active ?? true,
            denominations: (body.denominations ?? []).map((one, index) => ({
              amount: amountIn(payments, one.amount, programme.currency, `/denominations/${index}/amount`),
              stockThreshold: one.stockThreshold ?? 0,
            })),
          },
          actorOf(caller, person),
        ),
      );
      return { status: 200, body: await group(params.sourceId, params.groupCode) };
    },

    async listVoucherGroups({ query, caller, person }) {
      const { sourceId, groupCode, after } = query;
      const codes = groupCode === undefined ? undefined : [groupCode];
      const { items, next } = await seenGroups(caller, person, query.limit ?? 100, {
        sourceId,
        codes,
        after,
      });
      await looked(caller, person, 'voucher-groups');
      return { status: 200, body: { items: items.map((one) => groupView(payments, one)), ...next } };
    },

    async provisionVouchers({ params, body, caller, person }) {
      const found = await readVoucherGroup(db, params.sourceId, params.groupCode).catch((error: unknown) => {
        assertAdministers(payments, caller, person);
        throw error;
      });
      const programme = await readProgramme(db, found.source_id, found.programme_id);
      assertVoucherAdministrator(payments, programme.agency, caller, person);
      const amount = amountIn(payments, body.denomination, programme.currency, '/denomination');
      const provisioned = await transaction(db, (trx) =>
        provisionVouchers(payments, trx, found, {
          reference: body.reference,
          currency: programme.currency,
          amount,
          count: body.count,
          actor: actorOf(caller, person),
        }),
      );
      const { rows } = await sql<{ stock: number }>`
        select count(*)::integer as stock
        from voucher
        where source_id = ${found.source_id}
          and group_code = ${found.code}
          and amount = ${amount.toString()}
          and state = 'provisioned'`.execute(db);
      return { status: 200, body: { provisioned, stock: rows[0]?.stock ?? 0 } };
    },

    async putRecipientKey(asking) {
      const { params, body, caller, person } = asking;
      const source = await readSource(db, params.sourceId).catch((error: unknown) => {
        assertAdministers(payments, caller, person);
        throw error;
      });
      // A source may change its own key; everybody else is the treasury or is refused.
      if (person !== undefined || caller.application !== source.application)
        assertAdministers(payments, caller, person);
      await assertSignedBySource(payments, source, voucherAdmin.operations.putRecipientKey, asking);
      const key = body.publicKey as JWK;
      await transaction(db, (trx) => putRecipientKey(trx, source.id, key, actorOf(caller, person)));
      return { status: 200, body: { sourceId: source.id, algorithm: keyEncryption(key) as string } };
    },

    async putMerchant({ params, body, caller, person }) {
      assertVoucherAdministrator(payments, undefined, caller, person);
      const row = await transaction(db, (trx) =>
        putMerchant(
          payments,
          trx,
          {
            id: params.merchantId,
            name: body.name,
            application: body.application,
            voucherGroups: body.voucherGroups ?? [],
            modality: body.paymentModality,
            institutionCode: body.bankingInstitutionCode,
            financialAddress: body.financialAddress,
            active: body.active ?? true,
          },
          actorOf(caller, person),
        ),
      );
      return { status: 200, body: merchantView(payments, row) };
    },

    async listMerchants({ query, caller, person }) {
      assertVoucherOverseer(payments, undefined, caller, person);
      const limit = query.limit ?? 100;
      const rows = await listMerchants(db, query.after, limit + 1);
      const items = rows.slice(0, limit);
      await looked(caller, person, 'merchants');
      return {
        status: 200,
        body: {
          items: items.map((row) => merchantView(payments, row)),
          ...(rows.length > limit ? { next: items.at(-1)?.id as string } : {}),
        },
      };
    },

    async listVouchers({ query, caller, person }) {
      const agency = agencySeen(caller, person);
      const state = voucherStates.find((one) => one === query.state);
      if (query.state !== undefined && state === undefined)
        throw badRequest(`state must be one of ${voucherStates.join(', ')}`);
      const limit = query.limit ?? 100;
      const { state: _checked, limit: _limit, ...filter } = query;
      const rows = await listVouchers(db, {
        ...filter,
        ...(state === undefined ? {} : { state }),
        ...(agency === undefined ? {} : { agency }),
        limit: limit + 1,
      });
      const items = rows.slice(0, limit);
      await looked(caller, person, 'vouchers');
      return {
        status: 200,
        body: {
          items: items.map((row) => voucherView(payments, row)),
          ...(rows.length > limit ? { next: items.at(-1)?.id as string } : {}),
        },
      };
    },

    async getVoucher({ params, caller, person }) {
      const voucher = await visible(params.serialNumber, caller, person);
      await looked(caller, person, `voucher/${voucher.serial}`);
      return {
        status: 200,
        body: {
          ...voucherView(payments, voucher),
          history: (await voucherHistory(db, voucher.id)).map(historyView),
          redemptions: (await listRedemptions(db, voucher.id)).map(redemptionView),
        },
      };
    },

    suspendVoucher: control('suspend'),
    unsuspendVoucher: control('unsuspend'),
    blockVoucher: control('block'),
    unblockVoucher: control('unblock'),
    cancelVoucher: control('cancel'),
    purgeVoucher: control('purge'),

    async validateVoucher({ body, caller, person }) {
      const voucher = await visible(body.serialNumber, caller, person);
      assertVoucherAdministrator(payments, await agencyOf(voucher), caller, person);
      const actor = actorOf(caller, person);
      const genuine = await locateVoucher(
        payments,
        { number: body.voucherNumber, serial: body.serialNumber },
        { scope: `validation/${person?.id ?? caller.application}` },
      )
        .then(() => true)
        .catch((error: unknown) => {
          if (error instanceof VoucherRefused && error.reason === 'unknown-number') return false;
          throw error;
        });
      const subject = `voucher/${voucher.serial}`;
      const outcome = genuine ? 'succeeded' : 'refused';
      await audit(db, { component: 'vouchers', action: 'validate', subject, actor, outcome });
      return { status: 200, body: { genuine, ...(genuine ? { state: voucher.state } : {}) } };
    },

    async voucherReport({ query, caller, person }) {
      const { sourceId, after } = query;
      const { items, next } = await seenGroups(caller, person, query.limit ?? 100, { sourceId, after });
      const lines = await stockReport(db, items);
      const liability = await voucherLiability(db, items);
      await looked(caller, person, 'voucher-report');
      return {
        status: 200,
        body: {
          lines: lines.map((line) => stockView(payments, line)),
          liability: liability.map((one) => ({
            sourceId: one.source_id,
            programmeId: one.programme_id,
            currency: one.currency,
            outstanding: money(payments, one.outstanding, one.currency),
            promised: money(payments, one.promised, one.currency),
          })),
          ...next,
        },
      };
    },

    async rotateVoucherKey({ query, caller, person }) {
      assertVoucherKeyCustodian(payments, person);
      return {
        status: 200,
        body: { keyId: await rotateVoucherKey(payments, actorOf(caller, person), query.replaces) },
      };
    },

    async listVoucherKeys({ caller, person }) {
      assertVoucherKeyCustodian(payments, person);
      await looked(caller, person, 'voucher-keys');
      return {
        status: 200,
        body: {
          items: (await listVoucherKeys(db)).map((key) => ({
            keyId: key.id,
            createdAt: key.created_at,
            createdBy: key.created_by,
            vouchers: key.vouchers,
            sealed: key.sealed,
          })),
        },
      };
    },
  };
}
