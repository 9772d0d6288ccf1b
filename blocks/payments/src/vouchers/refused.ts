import { Problem, type ProblemDetail } from '@govstack/platform';

/** Why a voucher request is refused: the status of the voucher message format, and ours, and words of at most 20 characters. */
export const refusals = {
  'bad-amount': { code: 452, status: 400, text: 'Invalid amount' },
  'bad-currency': { code: 453, status: 400, text: 'Invalid currency' },
  'unknown-group': { code: 454, status: 400, text: 'Invalid group' },
  'group-exhausted': { code: 455, status: 409, text: 'Group exhausted' },
  'unknown-serial': { code: 456, status: 400, text: 'Invalid voucher' },
  'already-used': { code: 458, status: 409, text: 'Already used' },
  expired: { code: 459, status: 409, text: 'Expired' },
  'unknown-source': { code: 460, status: 403, text: 'Unknown source' },
  'unknown-number': { code: 461, status: 400, text: 'Invalid voucher' },
  'not-active': { code: 461, status: 409, text: 'Not activated' },
  suspended: { code: 461, status: 409, text: 'Suspended' },
  blocked: { code: 461, status: 409, text: 'Blocked' },
  'payee-not-verified': { code: 461, status: 403, text: 'Payee not verified' },
  'value-differs': { code: 452, status: 409, text: 'Value differs' },
  'not-funded': { code: 462, status: 409, text: 'Insufficient funds' },
  'cannot-credit': { code: 463, status: 409, text: 'Cannot credit' },
  'institution-unknown': { code: 463, status: 409, text: 'Institution unknown' },
  'wrong-group': { code: 463, status: 409, text: 'Wrong voucher group' },
  cancelled: { code: 464, status: 409, text: 'Cancelled' },
  'too-many-tries': { code: 429, status: 429, text: 'Too many tries' },
  'no-answer': { code: 503, status: 503, text: 'Try again later' },
} as const satisfies Record<string, { code: number; status: number; text: string }>;
export type Refusal = keyof typeof refusals;

/** A voucher request that is not carried out. Nothing has changed, but for what counts wrong numbers. */
export class VoucherRefused extends Problem {
  readonly reason: Refusal;

  constructor(reason: Refusal, detail: string = refusals[reason].text, errors?: readonly ProblemDetail[]) {
    super(refusals[reason].status, detail, {
      type: `urn:govstack:payments:voucher:${reason}`,
      ...(errors ? { errors } : {}),
    });
    this.name = 'VoucherRefused';
    this.reason = reason;
  }
}
