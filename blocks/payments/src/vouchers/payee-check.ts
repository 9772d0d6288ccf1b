import { CallFailed, transaction } from '@govstack/platform';
import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import type { Payments } from '../payments-context.ts';
import { guessed, takeBackGuess, tooManyGuesses } from './guesses.ts';
import { VoucherRefused } from './refused.ts';

/** Which registry says whether the person at the counter is the payee of a voucher (PAY-6.1-x). */
export interface PayeeCheck {
  /** INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE of the registry's data. */
  readonly service: string;
  readonly registry: string;
  readonly version: string;
  /** Field of the registry that holds the payee's functional id. */
  readonly identityField: string;
  /** Fields that the counter asks for, a PIN or the date of birth say; all must match. */
  readonly evidenceFields: readonly string[];
}

/** What this block asks of a registry: whether a record matches. */
export const payeeRegistry = defineSurface({
  name: 'registry-data-v1',
  title: 'Registry that authenticates payees',
  version: '1.0.0',
  operations: {
    recordExists: defineOperation({
      id: 'recordExists',
      method: 'POST',
      path: '/data/{registryName}/{versionNumber}/exists',
      summary: 'Whether a record matches',
      access: { caller: 'application' },
      params: Type.Object({
        registryName: Type.String({ maxLength: 100 }),
        versionNumber: Type.String({ maxLength: 20 }),
      }),
      body: Type.Object({
        query: Type.Object({ content: Type.Record(Type.String(), Type.String()) }),
      }),
      responses: { 200: Type.Object({ answer: Type.Object({ status: Type.Boolean() }) }) },
    }),
  },
});

/** Asks the registry. Throws `VoucherRefused` when it does not answer. */
async function isKnown(
  payments: Payments,
  check: PayeeCheck,
  content: Readonly<Record<string, string>>,
): Promise<boolean> {
  const registry = payments.ctx.mediation.client(payeeRegistry, check.service);
  return registry
    .recordExists({
      params: { registryName: check.registry, versionNumber: check.version },
      body: { query: { content } },
      timeout: payments.config.railTimeoutSeconds * 1000,
    })
    .then(({ body }) => body.answer.status)
    .catch((error: unknown) => {
      if (error instanceof CallFailed && error.status === 404 && error.mediatorError === undefined)
        return false;
      // What a registry says about a person is not for the log.
      const status = error instanceof CallFailed ? error.status : 0;
      payments.ctx.log.warn({ status, service: check.service }, 'a registry does not say who a payee is');
      throw new VoucherRefused('no-answer', 'The registry that knows the payee does not answer');
    });
}

export interface PresentedPayee {
  /** The payee of the voucher, or the voucher of whoever bears it: wrong answers are counted for it. */
  readonly scope: string;
  /** Functional id of whom the voucher was issued to; undefined for one to bearer. */
  readonly issuedTo: string | undefined;
  /** What the payee shows, by field of the registry. */
  readonly presented: Readonly<Record<string, string>>;
}

/**
 * Lets the registry decide whether this is the payee: by the identity the voucher was issued to, or the one presented
 * for a voucher to bearer, with all evidence the group asks for. Whoever is wrong too often has to wait, whatever is
 * shown then: a PIN is not found by trying. Throws `VoucherRefused`; without an answer nobody is taken for anybody.
 */
export async function authenticatePayee(
  payments: Payments,
  check: PayeeCheck,
  { scope, issuedTo, presented }: PresentedPayee,
): Promise<void> {
  const identity = issuedTo ?? presented[check.identityField];
  const evidence = check.evidenceFields.map((field) => [field, presented[field]] as const);
  if (identity === undefined || evidence.some(([, value]) => value === undefined || value === ''))
    throw new VoucherRefused(
      'payee-not-verified',
      `The payee must be authenticated with ${check.evidenceFields.join(', ')}`,
    );
  const content = {
    [check.identityField]: identity,
    ...Object.fromEntries(evidence as [string, string][]),
  };
  // Counted before it is known to be wrong: tries at the same moment are counted too.
  const attempt = await transaction(payments.db, async (trx) =>
    (await tooManyGuesses(payments, trx, scope, payments.config.voucherPayeeGuesses))
      ? undefined
      : guessed(trx, scope),
  );
  if (attempt === undefined)
    throw new VoucherRefused('too-many-tries', 'The payee was not recognised too often; try again later');
  let wrong = false;
  try {
    wrong = !(await isKnown(payments, check, content));
  } finally {
    if (!wrong) await takeBackGuess(payments.db, attempt);
  }
  if (wrong) throw new VoucherRefused('payee-not-verified', 'The registry does not know this payee so');
}
