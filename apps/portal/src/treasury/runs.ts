import { periodOf } from '../mediated/payments-received.ts';
import { cursorIn } from '../site/ids.ts';
import { input } from '../site/visit.ts';
import type { RunSummary } from './clients.ts';
import { type ProgrammeName, programmeNames, programmesSeen } from './programmes.ts';
import { refusedWith } from './refusals.ts';
import { access, frame, isCode, type TreasuryParts } from './shell.ts';
import { runStates } from './words.ts';

const size = 25;

/** A run as lists show it. */
export const runLine = (run: RunSummary, nameOf: ProgrammeName) => ({
  ...run,
  href: `/treasury/runs/${run.batchId}`,
  programme: nameOf(run.programmeId),
  period: periodOf(run.clientBatchId, run.createdAt),
  total: { amount: run.totalAmount, currency: run.currency },
});

/** Payment runs, found by state and programme; payments of one payee, found by their number (PAY-6.6-b, PAY-6.6-f). */
export function runListPages(parts: TreasuryParts): void {
  const { site, clients } = parts;

  site.page('/treasury/runs', access, async (visit) => {
    const state = runStates.find((one) => one === visit.query.state);
    const [sourceId = '', programmeId = ''] = (visit.query.programme ?? '').split('/');
    const of = isCode(sourceId) && isCode(programmeId) ? { sourceId, programmeId } : {};
    const before = cursorIn(visit, 'before');
    const [nameOf, programmes, list] = await Promise.all([
      programmeNames(parts),
      programmesSeen(parts, visit),
      clients.admin.listBatches({
        query: {
          ...of,
          ...(state === undefined ? {} : { state }),
          ...(before === undefined ? {} : { before }),
          limit: size,
        },
      }),
    ]);
    const { items, next } = list.body;
    const kept = new URLSearchParams({
      ...(state === undefined ? {} : { state }),
      ...(of.sourceId === undefined ? {} : { programme: `${sourceId}/${programmeId}` }),
    });
    const at = (cursor: string | undefined): string => {
      const query = new URLSearchParams(kept);
      if (cursor !== undefined) query.set('before', cursor);
      return query.size === 0 ? '/treasury/runs' : `/treasury/runs?${query}`;
    };
    return visit.show('treasury/runs.njk', {
      ...frame(parts, visit, 'runs'),
      runs: items.map((run) => runLine(run, nameOf)),
      states: runStates,
      state,
      programmes: programmes.map((one) => ({
        value: `${one.sourceId}/${one.programmeId}`,
        text: visit.voice.text(nameOf(one.programmeId, one.name)),
      })),
      programme: visit.query.programme,
      filtered: kept.size > 0,
      newest: before === undefined ? undefined : at(undefined),
      next: next && at(next),
    });
  });

  // The payee is named in the body: their number stands in no address and no log.
  site.action('/treasury/payee', access, async (visit) => {
    const payee = input(visit, 'payee').slice(0, 36);
    const sourceId = input(visit, 'source');
    const programmes = await programmesSeen(parts, visit);
    const sources = [...new Set(programmes.map((one) => one.sourceId))];
    const asked = sources.filter((one) => sourceId === '' || one === sourceId);
    const nameOf = await programmeNames(parts);
    const found =
      payee === ''
        ? []
        : await Promise.all(
            asked.map(async (one) => {
              const body = { sourceId: one, payeeIdentity: payee, limit: 100 };
              try {
                return (await clients.admin.listPayeePayments({ body })).body.items;
              } catch (error) {
                if (refusedWith(error, 403, 404)) return [];
                throw error;
              }
            }),
          );
    return visit.show(
      'treasury/payee.njk',
      {
        ...frame(parts, visit, 'runs'),
        back: '/treasury/runs',
        payee,
        payments: found.flat().map((one) => ({
          ...one,
          period: periodOf(one.requestId, one.updatedAt),
          money: { amount: one.amount, currency: one.currency },
        })),
        programmeOf: nameOf,
        errors: payee === '' ? [{ text: visit.voice.t('treasury.payee.missing'), href: '#payee' }] : [],
      },
      payee === '' ? 422 : 200,
    );
  });
}
