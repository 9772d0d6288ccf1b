import type { VoucherState } from '../../vouchers/states.ts';
import type { SuiteMerchant } from './vouchers-redeem.ts';

export interface VoucherSeed {
  readonly source: string;
  readonly state: VoucherState;
  readonly serial: string;
  readonly number: string;
}

/** Building blocks that the suite knows. */
export const sources = ['Gov_Stack_BB', 'bb-digital-registries', 'example Gov_Stack_BB'];

const of = (
  source: string,
  state: VoucherState,
  pairs: readonly (readonly [string, string])[],
): VoucherSeed[] => pairs.map(([serial, number]) => ({ source, state, serial, number }));

/** Vouchers of the suite's data, all worth 1000: serial and number. */
export const seeds: readonly VoucherSeed[] = [
  ...of('example Gov_Stack_BB', 'provisioned', [
    ['223', '368973'],
    ['1234', '469192'],
    ['1236234', '56353'],
  ]),
  ...of('example Gov_Stack_BB', 'pre-activated', [
    ['5432', '810651'],
    ['4321', '182352'],
  ]),
  ...of('bb-digital-registries', 'pre-activated', [
    ['5550', '55501'],
    ['5551', '55511'],
    ['5552', '55521'],
    ['5553', '55531'],
    ['5554', '55541'],
    ['5560', '55601'],
  ]),
  ...of('example Gov_Stack_BB', 'activated', [
    ['123456', '170282'],
    ['24354546', '353457'],
    ['2435244546', '78453'],
  ]),
  ...of('Gov_Stack_BB', 'activated', [
    ['96767543', '253535'],
    ['5555', '55551'],
    ['5556', '55561'],
    ['5557', '55571'],
    ['5558', '55581'],
    ['5559', '55591'],
  ]),
  ...of('bb-digital-registries', 'activated', [
    ['60000', '600000'],
    ['60031111', '6003'],
    ['60001', '600011'],
    ['60002', '600022'],
    ['60003', '600033'],
    ['60004', '600044'],
    ['60005', '600055'],
    ['60041111', '6004'],
  ]),
  ...of('Gov_Stack_BB', 'purged', [['35678', '725743']]),
  ...of('Gov_Stack_BB', 'blocked', [['686886', '5754324']]),
  ...of('example Gov_Stack_BB', 'cancelled', [['2134', '315425']]),
  ...of('Gov_Stack_BB', 'redeemed', [['6001', '60011']]),
  ...of('Gov_Stack_BB', 'expired', [['6002', '60021']]),
];

/** Fictional merchants of the suite's data. */
export const merchants: readonly SuiteMerchant[] = [
  { name: 'Melissa Stephenson', bank: 'Citizen Service Banks', group: 'Payment Voucher' },
  { name: 'Haroon Mcintosh', bank: 'Paragon Bank Inc.', group: 'Payment Voucher' },
  { name: 'Matthew Lindsay', bank: 'Goldleaf Trust', group: 'Payment Voucher' },
  { name: 'Kain Gray', bank: 'Spotlight Corporation', group: 'Payment Voucher' },
  { name: 'Leonard Snow', bank: 'Spotlight Corporation', group: 'Payment Voucher' },
  { name: 'Ronan Oliver', bank: 'Vigor Bank Group', group: 'insufficient funds' },
  { name: 'Annie Krueger', bank: 'Omega Holding Company', group: 'insufficient funds' },
];
