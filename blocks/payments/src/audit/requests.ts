import type { Witness } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';
import { actorOf } from '../sources/access.ts';
import { audit } from './audit.ts';

const longestRefusal = 300;
/** What somebody takes for a serial number may be a secret number; a right one is kept by what uses it. */
const secrets: ReadonlySet<string> = new Set(['serialNumber']);

/** A read is on record only when it was refused: what was shown is in the mediator's log. */
const onRecord = (method: string, status: number): boolean =>
  method !== 'GET' || status === 401 || status === 403 || status === 404;

const outcomeOf = (status: number): 'succeeded' | 'refused' | 'failed' => {
  if (status < 400) return 'succeeded';
  return status < 500 ? 'refused' : 'failed';
};

/**
 * Keeps every request that could change something and every refusal (PAY-6.12-a, PAY-6.11-a): who, from which
 * application, in which exchange of the mediator's log, with what outcome. What a change was is kept by the change
 * itself, in its transaction.
 */
export const requestsOnRecord =
  (payments: Payments): Witness =>
  async ({ surface, operation, caller, person, params }) =>
  async (status, refusal) => {
    if (!onRecord(operation.method, status)) return;
    const subject = Object.entries(params)
      .filter(([name]) => !secrets.has(name))
      .map(([name, value]) => `${name}/${value}`);
    await audit(payments.db, {
      component: surface,
      action: operation.id,
      subject: subject.length === 0 ? surface : subject.join(' '),
      actor: actorOf(caller, person),
      terminal: caller.operator ?? caller.application,
      outcome: outcomeOf(status),
      detail: {
        status,
        exchange: caller.exchangeId,
        ...(refusal === undefined ? {} : { refusal: refusal.slice(0, longestRefusal) }),
      },
    });
  };
