import { sumAmounts } from '../mediated/amounts.ts';
import { failureCode } from '../mediated/failure-codes.ts';
import { periodOf } from '../mediated/payments-received.ts';
import { idIn } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import type { Run } from './clients.ts';
import { railsKnown } from './programmes.ts';
import { orNone, orRefused, type PageError } from './refusals.ts';
import { act, actsOn, priorities } from './run-acts.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import {
  closedStates,
  failedStates,
  movingStates,
  overStates,
  paidStates,
  paymentStates,
  reasonIn,
  whoDid,
} from './words.ts';

/** How much of a run is in some states. */
function tally({ totals, currency }: Run, states: readonly string[]) {
  const rows = totals.filter(({ state }) => states.includes(state));
  return {
    count: rows.reduce((sum, row) => sum + row.count, 0),
    amount: { amount: sumAmounts(rows.map(({ amount }) => amount)), currency },
  };
}

/** Where a run stands, and how far it has come. */
export function progressOf(run: Run) {
  const closed = tally(run, closedStates);
  return {
    paid: tally(run, paidStates),
    failed: tally(run, failedStates),
    open: {
      count: Math.max(0, run.instructionCount - closed.count),
      amount: tally(
        run,
        paymentStates.filter((state) => !closedStates.includes(state)),
      ).amount,
    },
    done: closed.count,
    of: run.instructionCount,
    totals: paymentStates.flatMap((state) => {
      const found = run.totals.find((one) => one.state === state && one.count > 0);
      return found ? [{ ...found, money: { amount: found.amount, currency: run.currency } }] : [];
    }),
  };
}

/** One run: how it is doing, who decided what, what failed and why; deciding on it, and taking it further (PAY-6.1-b). */
export function runPages(parts: TreasuryParts): void {
  const { site, clients, backend, names } = parts;
  const { admin } = clients;

  async function show(visit: SignedInVisit, batchId: string, errors: readonly PageError[] = []) {
    const params = { batchId };
    const run = (await admin.getBatch({ params })).body;
    const { programmeId, sourceId, currency } = run;
    const reference = { programmeId, reference: run.clientBatchId, preparedAt: run.createdAt };
    const certified = ['completed', 'partially-completed', 'failed'].includes(run.state);
    const [rails, paying, programme, failures, found, followUp] = await Promise.all([
      railsKnown(parts, visit),
      backend.payingProgrammes(),
      orRefused(admin.getProgramme({ params: { sourceId, programmeId } })),
      admin.readFailures({ params }),
      certified
        ? clients.reconciliation.getRunReconciliation({ params }).then(({ body }) => body)
        : undefined,
      orNone(orRefused(backend.followUp(visit.viewer, reference))),
    ]);
    const service = paying.get(programmeId);
    const acts = actsOn(parts, visit, run, programme?.body.agency);
    // What waits for a bank that is not in use any more goes out never.
    const closedRails = run.subBatches
      .filter((one) => one.settled < one.count && rails.get(one.rail)?.active === false)
      .map((one) => ({ value: one.rail, text: one.railName }));
    return visit.show(
      'treasury/run.njk',
      {
        ...frame(parts, visit, 'runs'),
        back: '/treasury/runs',
        run,
        base: `/treasury/runs/${batchId}`,
        programme: service?.name ?? programme?.body.name ?? programmeId,
        period: periodOf(run.clientBatchId, run.createdAt),
        total: { amount: run.totalAmount, currency },
        // What was refused before sending is not paid.
        toPay: {
          count: run.validCount ?? run.instructionCount,
          amount: { amount: run.validAmount ?? run.totalAmount, currency },
        },
        available: programme && { amount: programme.body.available, currency: programme.body.currency },
        reason: run.reason === undefined ? undefined : reasonIn(visit.voice, run.reason),
        progress: progressOf(run),
        moves: movingStates.includes(run.state) && !run.paused,
        isOver: overStates.includes(run.state),
        priorities,
        certified,
        acts: { ...acts, failWaiting: acts.failWaiting && closedRails.length > 0 },
        closedRails,
        fees: /[1-9]/.test(run.feeAmount) ? { amount: run.feeAmount, currency } : undefined,
        found:
          found &&
          (['reconciled', 'decided', 'missing', 'reversed', 'open'] as const)
            .map((key) => ({ key, count: found[key].count, money: { amount: found[key].amount, currency } }))
            .filter(({ count }) => count > 0),
        railNames: Object.fromEntries(run.subBatches.map((one) => [one.rail, one.railName])),
        maker: {
          mine: run.makerPerson === visit.viewer.id,
          ...(run.makerPerson === undefined ? {} : { person: run.makerPerson }),
          application: names.application(run.makerApplication),
          agency: names.member(run.makerApplication),
        },
        approval: run.approval && {
          ...run.approval,
          mine: run.approval.person === visit.viewer.id,
          agencyName: run.approval.agency === undefined ? undefined : names.member(run.approval.agency),
        },
        failures: failures.body.items.map((one) => ({
          ...one,
          code: failureCode(one.reasonCode ?? 'other'),
          money: { amount: one.amount, currency },
          next: service?.retriedReasons.includes(one.reasonCode ?? '') ? 'retry' : 'person',
        })),
        followUp,
        history: run.history.toReversed().map((one) => ({
          ...one,
          ...whoDid(visit, names, one.actor),
          said: one.reason === undefined ? undefined : reasonIn(visit.voice, one.reason),
        })),
        entered: { choice: input(visit, 'choice'), reason: input(visit, 'reason') },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/treasury/runs/:run', access, (visit) => show(visit, idIn(visit, 'run')));

  site.action('/treasury/runs/:run', access, async (visit) => {
    const batchId = idIn(visit, 'run');
    const { errors, to } = await act(parts, visit, batchId);
    if (errors) return show(visit, batchId, errors);
    return visit.goTo(to ?? `/treasury/runs/${batchId}`);
  });

  site.page('/treasury/runs/:run/certificate', access, async (visit) => {
    const batchId = idIn(visit, 'run');
    const [run, certificate] = await Promise.all([
      admin.getBatch({ params: { batchId } }),
      admin.getCertificate({ params: { batchId } }),
    ]);
    if (visit.query.as === 'json')
      return visit.reply
        .header('content-type', 'application/json; charset=utf-8')
        .header('content-disposition', `attachment; filename="certificate-${batchId}.json"`)
        .header('cache-control', 'no-store')
        .header('x-content-type-options', 'nosniff')
        .send(JSON.stringify(certificate.body, undefined, 2));
    const { content } = certificate.body;
    const money = (amount: string) => ({ amount, currency: content.currency });
    return visit.show('treasury/certificate.njk', {
      ...frame(parts, visit, 'runs'),
      back: `/treasury/runs/${batchId}`,
      base: `/treasury/runs/${batchId}`,
      run: run.body,
      certificate: certificate.body,
      total: money(content.total.amount),
      byRail: content.byRail.map((one) => ({ ...one, money: money(one.amount) })),
      accounts: content.accounts.map((one) => ({
        ...one,
        incoming: money(one.incoming),
        outgoing: money(one.outgoing),
      })),
      moneyIn: money(content.moneyIn),
      moneyOut: money(content.moneyOut),
    });
  });
}
