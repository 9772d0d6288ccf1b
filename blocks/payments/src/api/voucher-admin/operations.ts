import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { signedBySource } from '../published-headers.ts';
import { Code, closed, Flag, Id, Instant, Limit, Text } from '../schemas.ts';

const Serial = Type.String({ pattern: '^[0-9]{1,25}$' });
const Amount = Type.String({
  pattern: '^[0-9]{1,18}(\\.[0-9]{1,8})?$',
  description: 'Decimal text in the currency',
});
const Count = Type.Integer({ minimum: 0 });

const officer = { caller: 'application', person: 'optional' } as const;
const custodian = { caller: 'application', person: 'required' } as const;

const PayeeCheck = Type.Object(
  {
    service: Type.String({ maxLength: 500, description: 'Data service of the registry' }),
    registry: Text(100),
    version: Text(20),
    identityField: Text(100),
    evidenceFields: Type.Array(Text(100), { maxItems: 10 }),
  },
  closed,
);
const groupFields = {
  programmeId: Code,
  name: Text(100),
  description: Type.Optional(Type.String({ maxLength: 500 })),
  validitySeconds: Type.Integer({
    minimum: 1,
    maximum: 315_360_000,
    description: 'From activation to expiry, the same for every voucher of the group',
  }),
  merchantGroups: Type.Optional(
    Type.Array(Text(36), { maxItems: 100, description: 'Who may redeem; none: any merchant' }),
  ),
  forRuns: Type.Optional(
    Type.Boolean({
      description:
        'Payees of the programme’s runs with modality 02 get vouchers of this group; one group of a programme, on demand',
    }),
  ),
  onDemand: Type.Optional(
    Type.Boolean({
      description: 'Vouchers are made when none is in stock; otherwise the group is exhausted',
    }),
  ),
  variableAmounts: Type.Optional(
    Type.Boolean({ description: 'Amounts other than the denominations may be ordered, on demand' }),
  ),
  cancelSuspended: Type.Optional(
    Type.Boolean({
      description: 'A suspended voucher can be cancelled; otherwise it is reported as suspended',
    }),
  ),
  payeeCheck: Type.Optional(PayeeCheck),
  active: Type.Optional(Flag),
  denominations: Type.Optional(
    Type.Array(
      Type.Object(
        {
          amount: Amount,
          stockThreshold: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 10_000_000, description: 'Fewer in stock raise an alarm' }),
          ),
        },
        closed,
      ),
      { maxItems: 100 },
    ),
  ),
};
const GroupView = Type.Object({
  sourceId: Type.String(),
  groupCode: Type.String(),
  ...groupFields,
  programmeId: Type.String(),
  currency: Type.String(),
  merchantGroups: Type.Array(Type.String()),
  onDemand: Flag,
  forRuns: Flag,
  variableAmounts: Flag,
  cancelSuspended: Flag,
  active: Flag,
  denominations: Type.Array(
    Type.Object({ amount: Type.String(), stockThreshold: Type.Integer(), low: Flag }),
  ),
});

const merchantFields = {
  name: Text(100),
  application: Type.String({ maxLength: 400, description: 'INSTANCE/CLASS/MEMBER/APPLICATION that redeems' }),
  voucherGroups: Type.Optional(Type.Array(Text(36), { maxItems: 100 })),
  paymentModality: Type.Union([
    Type.Literal('00'),
    Type.Literal('01'),
    Type.Literal('03'),
    Type.Literal('04'),
  ]),
  bankingInstitutionCode: Type.Optional(Text(11)),
  active: Type.Optional(Flag),
};
const MerchantView = Type.Object({
  merchantId: Type.String(),
  ...merchantFields,
  voucherGroups: Type.Array(Type.String()),
  financialAddress: Type.String({ description: 'Last four characters' }),
  active: Flag,
});

const voucherFields = {
  serialNumber: Type.String(),
  sourceId: Type.String(),
  programmeId: Type.String(),
  groupCode: Type.String(),
  currency: Type.String(),
  amount: Type.String(),
  state: Type.String(),
  createdAt: Instant,
  reservedUntil: Type.Optional(Instant),
  activatedAt: Type.Optional(Instant),
  expiresAt: Type.Optional(Instant),
  wrongNumbers: Type.Integer(),
  named: Type.Boolean({ description: 'Issued to a payee, not to bearer' }),
};
export const VoucherView = Type.Object({ voucherId: Id, ...voucherFields });
const VoucherRecord = Type.Object({
  voucherId: Id,
  ...voucherFields,
  history: Type.Array(
    Type.Object({
      from: Type.Optional(Type.String()),
      to: Type.String(),
      reason: Type.Optional(Type.String()),
      actor: Type.String(),
      at: Instant,
    }),
  ),
  redemptions: Type.Array(
    Type.Object({
      transactionId: Type.String(),
      payee: Type.String(),
      rail: Type.String(),
      state: Type.String(),
      overridden: Flag,
      reasonCode: Type.Optional(Type.String()),
      railReference: Type.Optional(Type.String()),
      sentAt: Instant,
      answeredAt: Type.Optional(Instant),
    }),
  ),
});

/** Source and code of a group. */
const GroupCursor = Type.String({ pattern: '^[A-Za-z0-9._-]{1,36}/[A-Za-z0-9._-]{1,36}$' });
const inSource = Type.Object({ sourceId: Code });
const inGroup = Type.Object({ sourceId: Code, groupCode: Code });
const ofVoucher = Type.Object({ serialNumber: Serial });
const Reason = Type.Object({ reason: Text(200) }, closed);

const putVoucherGroup = defineOperation({
  id: 'putVoucherGroup',
  method: 'PUT',
  path: '/sources/{sourceId}/voucher-groups/{groupCode}',
  summary: 'Set up a voucher group of a programme, or change it',
  requirements: ['PAY-9.2.1', 'PAY-6.2.1-b', 'PAY-6.2.1-c'],
  access: officer,
  params: inGroup,
  body: Type.Object(groupFields, closed),
  responses: { 200: GroupView },
});

const listVoucherGroups = defineOperation({
  id: 'listVoucherGroups',
  method: 'GET',
  path: '/voucher-groups',
  summary: 'Voucher groups you may see',
  access: officer,
  query: Type.Object({
    sourceId: Type.Optional(Code),
    groupCode: Type.Optional(Code),
    after: Type.Optional(GroupCursor),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(GroupView), next: Type.Optional(Type.String()) }) },
});

const provisionVouchers = defineOperation({
  id: 'provisionVouchers',
  method: 'POST',
  path: '/sources/{sourceId}/voucher-groups/{groupCode}/stock',
  summary: 'Make a batch of vouchers for stock; they are worth nothing until they are ordered',
  description: 'The reference makes it safe to repeat.',
  requirements: ['PAY-6.1-r', 'PAY-5.3.2-a', 'PAY-9.2.1'],
  access: officer,
  params: inGroup,
  body: Type.Object(
    {
      reference: Text(50),
      denomination: Amount,
      count: Type.Integer({ minimum: 1, maximum: 10_000 }),
    },
    closed,
  ),
  responses: { 200: Type.Object({ provisioned: Flag, stock: Count }) },
});

const putRecipientKey = defineOperation({
  id: 'putRecipientKey',
  method: 'PUT',
  path: '/sources/{sourceId}/voucher-encryption-key',
  summary: 'Register the public key to which secret numbers of a source are encrypted',
  requirements: ['PAY-6.2.5-b', 'PAY-8.2.1'],
  access: officer,
  ...signedBySource,
  params: inSource,
  body: Type.Object({ publicKey: Type.Record(Type.String(), Type.Unknown()) }, closed),
  responses: { 200: Type.Object({ sourceId: Type.String(), algorithm: Type.String() }) },
});

const putMerchant = defineOperation({
  id: 'putMerchant',
  method: 'PUT',
  path: '/merchants/{merchantId}',
  summary: 'Register a merchant or agent with its groups and account, or change it',
  requirements: ['PAY-9.2.1', 'PAY-5.2.2'],
  access: officer,
  params: Type.Object({ merchantId: Code }),
  body: Type.Object({ ...merchantFields, financialAddress: Text(40) }, closed),
  responses: { 200: MerchantView },
});

const listMerchants = defineOperation({
  id: 'listMerchants',
  method: 'GET',
  path: '/merchants',
  summary: 'Registered merchants and agents',
  requirements: ['PAY-9.2.1'],
  access: officer,
  query: Type.Object({ after: Type.Optional(Code), limit: Limit }),
  responses: { 200: Type.Object({ items: Type.Array(MerchantView), next: Type.Optional(Type.String()) }) },
});

const listVouchers = defineOperation({
  id: 'listVouchers',
  method: 'GET',
  path: '/vouchers',
  summary: 'Vouchers you may see, newest first; never their numbers',
  requirements: ['PAY-6.1-w', 'PAY-6.2.5-d'],
  access: officer,
  query: Type.Object({
    sourceId: Type.Optional(Code),
    groupCode: Type.Optional(Text(36)),
    state: Type.Optional(Type.String({ maxLength: 20 })),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(VoucherView), next: Type.Optional(Id) }) },
});

const getVoucher = defineOperation({
  id: 'getVoucher',
  method: 'GET',
  path: '/vouchers/{serialNumber}',
  summary: 'A voucher with its history and what became of it',
  requirements: ['PAY-5.3.2-e', 'PAY-6.2.5-d'],
  access: officer,
  params: ofVoucher,
  responses: { 200: VoucherRecord },
});

const controlled = <const I extends string>(id: I, word: string, summary: string) =>
  defineOperation({
    id,
    method: 'POST',
    path: `/vouchers/{serialNumber}/${word}`,
    summary,
    requirements: ['PAY-5.3.2-e', 'PAY-9.2.1'],
    access: officer,
    params: ofVoucher,
    body: Reason,
    responses: { 200: VoucherView },
  });

const validateVoucher = defineOperation({
  id: 'validateVoucher',
  method: 'POST',
  path: '/vouchers/validate',
  summary: 'Whether a secret number belongs to a serial number; a wrong one is counted',
  requirements: ['PAY-9.2.1'],
  access: officer,
  body: Type.Object({ serialNumber: Serial, voucherNumber: Serial }, closed),
  responses: { 200: Type.Object({ genuine: Flag, state: Type.Optional(Type.String()) }) },
});

const voucherReport = defineOperation({
  id: 'voucherReport',
  method: 'GET',
  path: '/voucher-report',
  summary: 'Vouchers per state, group and denomination, stock and liability; a page of groups',
  description: 'Liability is that of the programmes of these groups.',
  requirements: ['PAY-6.1-w'],
  access: officer,
  query: Type.Object({
    sourceId: Type.Optional(Code),
    after: Type.Optional(GroupCursor),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  }),
  responses: {
    200: Type.Object({
      lines: Type.Array(
        Type.Object({
          sourceId: Type.String(),
          groupCode: Type.String(),
          currency: Type.String(),
          denomination: Type.Optional(Type.String({ description: 'Absent: vouchers of variable amounts' })),
          stock: Count,
          stockThreshold: Type.Optional(Type.Integer()),
          low: Flag,
          states: Type.Array(Type.Object({ state: Type.String(), count: Count, value: Type.String() })),
        }),
      ),
      liability: Type.Array(
        Type.Object({
          sourceId: Type.String(),
          programmeId: Type.String(),
          currency: Type.String(),
          outstanding: Type.String({ description: 'Value of vouchers that can still be used' }),
          promised: Type.String({ description: 'Of it, on its way to merchants' }),
        }),
      ),
      next: Type.Optional(Type.String()),
    }),
  },
});

const rotateVoucherKey = defineOperation({
  id: 'rotateVoucherKey',
  method: 'POST',
  path: '/voucher-keys',
  summary: 'Change the key of voucher numbers; for a key custodian, who administers nothing else',
  requirements: ['PAY-6.2.5-e', 'PAY-9.2.1'],
  access: custodian,
  query: Type.Object({
    replaces: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Number of the key that is replaced; once it is, nothing more happens',
      }),
    ),
  }),
  responses: { 200: Type.Object({ keyId: Type.Integer() }) },
});

const listVoucherKeys = defineOperation({
  id: 'listVoucherKeys',
  method: 'GET',
  path: '/voucher-keys',
  summary: 'Keys of voucher numbers and how much depends on each; for a key custodian',
  requirements: ['PAY-6.2.5-e'],
  access: custodian,
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          keyId: Type.Integer(),
          createdAt: Instant,
          createdBy: Type.String(),
          vouchers: Type.Integer({ description: 'Found by it; at most 100000 are counted' }),
          sealed: Type.Integer({ description: 'Whose number can still be read back; counted likewise' }),
        }),
      ),
    }),
  },
});

/** Administration of vouchers: groups, stock, merchants, single vouchers, reports, keys. */
export const voucherAdmin = defineSurface({
  name: 'payments-voucher-admin-v1',
  title: 'Payments: administration of vouchers',
  version: '1.0.0',
  operations: {
    putVoucherGroup,
    listVoucherGroups,
    provisionVouchers,
    putRecipientKey,
    putMerchant,
    listMerchants,
    listVouchers,
    getVoucher,
    suspendVoucher: controlled('suspendVoucher', 'suspend', 'Suspend a voucher for a while'),
    unsuspendVoucher: controlled('unsuspendVoucher', 'unsuspend', 'Let a suspended voucher be used again'),
    blockVoucher: controlled('blockVoucher', 'block', 'Block a voucher: something is wrong with it'),
    unblockVoucher: controlled('unblockVoucher', 'unblock', 'Let a blocked voucher be used again'),
    cancelVoucher: controlled('cancelVoucher', 'cancel', 'Cancel a voucher for good'),
    purgeVoucher: controlled(
      'purgeVoucher',
      'purge',
      'Remove what a voucher that is over says of its payee, before its time',
    ),
    validateVoucher,
    voucherReport,
    rotateVoucherKey,
    listVoucherKeys,
  },
});
