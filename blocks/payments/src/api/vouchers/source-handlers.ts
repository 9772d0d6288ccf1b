import { badRequest, type Handlers, transaction } from '@govstack/platform';
import type { OperationSpec } from '@govstack/platform/operation';
import type { Payments } from '../../payments-context.ts';
import { assertSigned } from '../../signatures/verify.ts';
import { actorOf } from '../../sources/access.ts';
import { sourceOfCaller } from '../../sources/source.ts';
import type { Trx } from '../../tables.ts';
import { activateVouchers } from '../../vouchers/activate.ts';
import { cancelVouchers } from '../../vouchers/cancel.ts';
import { type Control, controlVoucher } from '../../vouchers/control.ts';
import { assertMayLeave, detailsNotice } from '../../vouchers/details.ts';
import { issueVouchers } from '../../vouchers/issue.ts';
import { failuresNotice, processVoucherRequest } from '../../vouchers/requests.ts';
import type { VoucherFailure } from '../../vouchers/tables.ts';
import { findVoucher } from '../../vouchers/voucher.ts';
import { assertInstitution, callbackOf } from '../g2p/headers.ts';
import { readMessage } from './message.ts';
import { postVouchers, putVouchers, type vouchers } from './operations.ts';

type Asking = Parameters<Handlers<typeof vouchers.operations>['postVouchers' | 'putVouchers']>[0];

const accepted = 'Request taken over';

const move = { activate: activateVouchers, cancel: cancelVouchers } as const;

/** What sources do with their vouchers: create, activate, cancel, suspend, reactivate. */
export function sourceActions(payments: Payments) {
  const { db } = payments;
  const known = async (asking: Asking, spec: OperationSpec) => {
    const { caller, headers } = asking;
    const source = await sourceOfCaller(db, caller.application);
    await assertSigned(payments, source, spec, asking);
    assertInstitution(source, headers);
    return { source, callback: callbackOf(source, headers) };
  };

  return {
    async create(asking: Asking) {
      const { source, callback } = await known(asking, postVouchers);
      const message = readMessage('creation', asking.body);
      const orders = message.voucherinstructions.map((one) => ({
        instructionId: one.instructionid,
        groupCode: one.groupcode,
        currency: one.currency,
        amount: one.amount,
        ...(one.payeefunctionalid === undefined ? {} : { payeeIdentity: one.payeefunctionalid }),
        ...(one.narration === undefined ? {} : { narration: one.narration }),
      }));
      const ids = orders.map((one) => one.instructionId);
      const repeated = ids.findIndex((id, index) => ids.indexOf(id) !== index);
      if (repeated >= 0)
        throw badRequest('The request is not valid', [
          {
            in: 'body',
            pointer: `/voucherInstructions/${repeated}/instructionID`,
            detail: 'stands in the request twice',
          },
        ]);
      await assertMayLeave(db, source.id, callback);
      const actor = actorOf(asking.caller, asking.person);
      await processVoucherRequest(payments, {
        source,
        operation: 'create',
        requestId: message.requestid,
        batchId: message.batchid,
        content: message.voucherinstructions,
        caller: asking.caller.application,
        callback,
        kind: 'voucher-details',
        work: async (trx, requestId) => {
          const programmeId = asking.headers['x-program-id'];
          await issueVouchers(payments, trx, source, orders, { actor, requestId, programmeId });
          return [];
        },
        notice: (trx, done) => detailsNotice(payments, trx, done),
      });
      return {
        status: 200 as const,
        body: { ResponseCode: '00', ResponseDescription: accepted, RequestID: message.requestid },
      };
    },

    async move(operation: 'activate' | 'cancel', asking: Asking) {
      const spec = operation === 'activate' ? putVouchers : postVouchers;
      const { source, callback } = await known(asking, spec);
      const message = readMessage('serials', asking.body);
      const serials = message.voucherinstructions.map((one) => String(one.serialnumber));
      const by = { actor: actorOf(asking.caller, asking.person), reason: 'requested' };
      await processVoucherRequest(payments, {
        source,
        operation,
        requestId: message.requestid,
        batchId: message.batchid,
        content: serials,
        caller: asking.caller.application,
        callback,
        kind: `voucher-${operation}`,
        work: (trx) => move[operation](payments, trx, source.id, serials, by),
        notice: async (_trx, done) => failuresNotice(done),
      });
      // Each file spells the answer its own way.
      const body =
        operation === 'activate'
          ? { ResponseCode: '00', ResponseDescription: accepted, RequestID: message.requestid }
          : { responseCode: '00', responseDescription: accepted, requestID: message.requestid };
      return { status: 200 as const, body };
    },

    /** Each on its own, at once; saying it again reports what cannot be moved any more. */
    async control(control: Control, asking: Asking) {
      const { source } = await known(asking, putVouchers);
      const message = readMessage('serials', asking.body);
      const by = { actor: actorOf(asking.caller, asking.person), reason: 'requested' };
      const one = async (trx: Trx, serial: string): Promise<VoucherFailure[]> => {
        const voucher = await findVoucher(trx, serial);
        if (voucher?.source_id !== source.id)
          return [{ serialNumber: serial, failureReason: 'Not existing' }];
        await controlVoucher(payments, trx, serial, control, by);
        return [];
      };
      const failures: VoucherFailure[] = [];
      for (const { serialnumber } of message.voucherinstructions) {
        const serial = String(serialnumber);
        const failed = await transaction(db, (trx) => one(trx, serial)).catch((error: unknown) => {
          if ((error as { status?: number }).status !== 409) throw error;
          return [{ serialNumber: serial, failureReason: (error as Error).message }];
        });
        failures.push(...failed);
      }
      return { status: 200 as const, body: failuresNotice({ request_id: message.requestid, failures }) };
    },
  };
}
