import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { callbackHeaders, institutionHeaders, signatureHeaders } from '../published-headers.ts';
import { optional, Text } from '../schemas.ts';

const headers = Type.Object({
  ...signatureHeaders,
  ...callbackHeaders,
  ...institutionHeaders,
  'x-program-id': optional(36),
});

const amount = Type.Union(
  [Type.String({ minLength: 1, maxLength: 24 }), Type.Number({ exclusiveMinimum: 0 })],
  { description: 'Decimal text; a JSON number is taken as long as it is exact' },
);
/** A number, or the digits as a JSON number as long as none is lost. */
const Digits = Type.Union([
  Type.String({ pattern: '^[0-9]{1,25}$' }),
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
]);

/** The three messages of `POST /vouchers`; which one it is, the command says. Keys as they are read: lower case. */
export const Creation = Type.Object({
  requestid: Text(36),
  batchid: optional(36),
  voucherinstructions: Type.Array(
    Type.Object({
      instructionid: Text(50),
      groupcode: Text(36),
      currency: Text(3),
      amount,
      payeefunctionalid: optional(36),
      narration: Type.Optional(Type.String({ maxLength: 50 })),
    }),
    { minItems: 1, maxItems: 5000 },
  ),
});
export const SerialList = Type.Object({
  requestid: Text(36),
  batchid: optional(36),
  voucherinstructions: Type.Array(Type.Object({ serialnumber: Digits }), { minItems: 1, maxItems: 5000 }),
});
export const Redeeming = Type.Object({
  requestid: Text(100),
  voucherserialnumber: Type.Optional(Digits),
  vouchersecretnumber: Digits,
  agentid: Text(36),
  override: Type.Optional(Type.Boolean()),
  evidence: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 200 }))),
});

const Message = Type.Record(Type.String(), Type.Unknown(), {
  description:
    'Without a command: requestID, batchID, voucherInstructions [{instructionID, groupCode, currency, amount, payeeFunctionalID?, narration?}]. cancel, activate, suspend, reactivate: requestID, batchID, voucherInstructions [{serialNumber}]. redeem, redeemPay: requestID, agentID, voucherSecretNumber, voucherSerialNumber?, and ours: override?, evidence? {field: value} when the group authenticates payees.',
});

const Accepted = Type.Object({
  ResponseCode: Type.Optional(Type.String({ maxLength: 2 })),
  ResponseDescription: Type.Optional(Type.String({ maxLength: 200 })),
  RequestID: Type.Optional(Type.String()),
  responseCode: Type.Optional(Type.String({ maxLength: 2, description: '00: taken over, 01: refused' })),
  responseDescription: Type.Optional(Type.String({ maxLength: 200 })),
  requestID: Type.Optional(Type.String()),
});

export const RedemptionAnswer = Type.Object({
  status: Type.Union([Type.Literal(0), Type.Literal(1)], {
    description: '1: the merchant is paid. 0: it is not, or not yet',
  }),
  message: Type.String({ maxLength: 20 }),
  serialNumber: Type.Optional(Type.String()),
  value: Type.Optional(Type.Number()),
  currency: Type.Optional(Type.String()),
  timestamp: Type.String({ format: 'date-time' }),
  transactionId: Type.Optional(Type.String()),
});

const StatusAnswer = Type.Object({
  status: Type.Integer({
    description: '1 pre-activated, 2 active, 3 cancelled, 4 expired, 5 used, 6 suspended, 9 error',
  }),
  serialNumber: Type.String(),
  value: Type.Number(),
});
const StatusError = Type.Object({
  status: Type.Integer(),
  message: Type.String(),
  serialNumber: Type.String(),
  value: Type.Number(),
});

const Failures = Type.Object({
  requestID: Type.String(),
  registerRequestID: Type.String(),
  numberFailedCases: Type.Integer(),
  failedCases: Type.Array(Type.Object({ serialNumber: Type.String(), failureReason: Type.String() })),
});

const source = { caller: 'application' } as const;
const counter = { caller: 'application', person: 'optional' } as const;
const serial = Type.Object({ serialNumber: Text(25) });

export const postVouchers = defineOperation({
  id: 'postVouchers',
  method: 'POST',
  path: '/vouchers',
  summary: 'Create vouchers, cancel them, or redeem one',
  description:
    'Without a command vouchers are created, all or none, against the budget of the programme; serial numbers and secret numbers come by callback and can be read with getVoucherDetails. `cancel`: each on its own, failures by callback. `redeem`: answered when the merchant is paid or refused; 202 when nobody can tell yet, and the same request again tells. The same request id again changes nothing.',
  requirements: [
    'PAY-8.2.1',
    'PAY-8.2.3',
    'PAY-8.2.5',
    'PAY-5.3.2-a',
    'PAY-5.3.2-f',
    'PAY-6.2.4-a',
    'PAY-6.2.4-d',
  ],
  access: counter,
  bodyLimit: 4 * 1024 * 1024,
  keepsBytes: true,
  query: Type.Object({
    command: Type.Optional(Type.Union([Type.Literal('cancel'), Type.Literal('redeem')])),
  }),
  headers,
  body: Message,
  bodyCheckedBy: 'handler',
  responses: { 200: Type.Union([RedemptionAnswer, Accepted]), 202: RedemptionAnswer },
});

export const putVouchers = defineOperation({
  id: 'putVouchers',
  method: 'PUT',
  path: '/vouchers',
  summary: 'Activate, suspend or reactivate vouchers, or redeem one',
  description:
    'Each voucher on its own. Failures of an activation come by callback and can be read with getActivationResult; those of the others are in the answer.',
  requirements: ['PAY-8.2.2', 'PAY-6.2.4-b', 'PAY-5.3.2-e'],
  access: counter,
  bodyLimit: 4 * 1024 * 1024,
  keepsBytes: true,
  query: Type.Object({
    command: Type.Union([
      Type.Literal('activate'),
      Type.Literal('suspend'),
      Type.Literal('reactivate'),
      Type.Literal('redeemPay'),
    ]),
  }),
  headers,
  body: Message,
  bodyCheckedBy: 'handler',
  responses: { 200: Type.Union([RedemptionAnswer, Failures, Accepted]), 202: RedemptionAnswer },
});

export const getVoucherDetails = defineOperation({
  id: 'getVoucherDetails',
  method: 'GET',
  path: '/voucher-details/{requestID}',
  summary: 'Vouchers an earlier request created, or a run for payees of modality 02: what the callback says',
  description:
    'For a run the request id is its batch id. Ten thousand at most, by instruction id, those after the one named. Secret numbers are in it until the vouchers are activated; encrypted (JWE) when the source registered a key.',
  requirements: ['PAY-8.2.1'],
  access: source,
  params: Type.Object({ requestID: Text(36) }),
  query: Type.Object({ after: Type.Optional(Text(100)) }),
  responses: {
    200: Type.Object({
      requestID: Type.String(),
      batchID: Type.Optional(Type.String()),
      voucherInstructions: Type.Array(
        Type.Object({
          instructionID: Type.String(),
          serialNumber: Type.String(),
          voucherNumber: Type.Optional(Type.String()),
          currency: Type.String(),
          amount: Type.Number(),
          narration: Type.Optional(Type.String()),
          expiryDateTime: Type.Optional(
            Type.String({ description: 'Until then the voucher must be activated' }),
          ),
        }),
      ),
    }),
  },
});

const result = (id: 'getActivationResult' | 'getCancellationResult', path: string, what: string) =>
  ({
    id,
    method: 'GET',
    path,
    summary: `Vouchers that an earlier ${what} could not move: what the callback says`,
    access: source,
    params: Type.Object({ requestID: Text(36) }),
    responses: { 200: Failures },
  }) as const;

export const getActivationResult = defineOperation({
  ...result('getActivationResult', '/voucher-activations/{requestID}', 'activation'),
  id: 'getActivationResult',
  requirements: ['PAY-8.2.2'],
});

export const getCancellationResult = defineOperation({
  ...result('getCancellationResult', '/voucher-cancellations/{requestID}', 'cancellation'),
  id: 'getCancellationResult',
  requirements: ['PAY-8.2.5'],
});

export const getVoucherStatus = defineOperation({
  id: 'getVoucherStatus',
  method: 'GET',
  path: '/vouchers/{serialNumber}',
  summary: 'Status and value of a voucher',
  requirements: ['PAY-8.2.4', 'PAY-5.3.2-e'],
  access: source,
  params: serial,
  query: Type.Object({ fields: Type.Optional(Type.Literal('status')) }),
  responses: { 200: StatusAnswer, 400: StatusError },
});

export const getVoucher = defineOperation({
  ...getVoucherStatus,
  id: 'getVoucher',
  path: '/voucher/{serialNumber}',
  summary: 'Status and value of a voucher, under the path that other implementations use',
  requirements: ['PAY-8.2.4'],
});

const Validity = Type.Object({
  isValid: Type.Boolean({ description: 'Can be redeemed now' }),
  message: Type.String({ maxLength: 20 }),
  serialNumber: Type.Optional(Type.String()),
  value: Type.Optional(Type.Number()),
  currency: Type.Optional(Type.String()),
  expiryDateTime: Type.Optional(Type.String()),
});

export const getVoucherValidity = defineOperation({
  id: 'getVoucherValidity',
  method: 'GET',
  path: '/voucher/validity',
  summary: 'Whether a voucher can be redeemed now, by serial number',
  requirements: ['PAY-6.2.4-c'],
  access: source,
  query: Type.Object({ serialNumber: Text(25) }),
  responses: { 200: Validity },
});

export const getValidity = defineOperation({
  ...getVoucherValidity,
  id: 'getValidity',
  path: '/vouchers/validity',
  summary: 'The same beside the vouchers',
});

export const checkVoucherValidity = defineOperation({
  id: 'checkVoucherValidity',
  method: 'POST',
  path: '/voucher/validity',
  summary: 'Whether a voucher can be redeemed now, by secret number and group; wrong numbers are counted',
  requirements: ['PAY-6.2.4-c'],
  access: source,
  body: Type.Object({ voucherNumber: Digits, groupCode: Text(36) }, { additionalProperties: false }),
  responses: { 200: Validity },
});

export const getVoucherCode = defineOperation({
  id: 'getVoucherCode',
  method: 'GET',
  path: '/vouchers/{serialNumber}/code',
  summary: 'Signed serial number and its QR code, to print beside the voucher',
  description:
    'A compact JWS over serial (ser), value (val), currency (cur), group (grp) and expiry (exp), which a merchant without a connection checks with getVoucherKeys. It holds no secret number.',
  requirements: ['PAY-6.1-ag', 'PAY-6.2.2-b'],
  access: source,
  params: serial,
  responses: { 200: Type.Object({ signedSerial: Type.String(), svg: Type.String() }) },
});

export const getVoucherKeys = defineOperation({
  id: 'getVoucherKeys',
  method: 'GET',
  path: '/voucher-code-keys',
  summary: 'Public keys with which signed serial numbers are checked',
  requirements: ['PAY-6.1-ag'],
  access: { caller: 'public' },
  responses: { 200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }) },
});

/** The published voucher messages, and the spellings of other implementations beside them. */
export const vouchers = defineSurface({
  name: 'payments-vouchers-v1',
  title: 'Payments: vouchers',
  version: '1.0.0',
  operations: {
    postVouchers,
    putVouchers,
    getVoucherDetails,
    getActivationResult,
    getCancellationResult,
    getVoucherStatus,
    getVoucher,
    getVoucherValidity,
    getValidity,
    checkVoucherValidity,
    getVoucherCode,
    getVoucherKeys,
  },
  errorShape: (problem) => ({
    status: problem.status,
    body: {
      ...problem,
      ResponseCode: '01',
      ResponseDescription: (problem.detail ?? problem.title).slice(0, 200),
    },
  }),
});
