import { staffRoles } from '../site/navigation.ts';
import { formKey, input, pageNumber } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

const size = 20;

/** Payment runs: totals, failures by reason, and the approval by a second person. */
export function paymentRunPages({ site, backend }: PageParts): void {
  const access = { roles: staffRoles.runs };

  site.page('/office/payment-runs', access, async (visit) => {
    const page = pageNumber(visit);
    const list = await backend.paymentRuns(visit.viewer, { page, size });
    return visit.show('office/runs.njk', { section: 'runs', list: { ...list, page } });
  });

  site.page('/office/payment-runs/:run', access, async (visit) => {
    const run = await backend.paymentRun(visit.viewer, visit.params.run as string);
    return visit.show('office/run.njk', { section: 'runs', run, back: '/office/payment-runs' });
  });

  site.action('/office/payment-runs/:run', access, async (visit) => {
    const runId = visit.params.run as string;
    const address = `/office/payment-runs/${encodeURIComponent(runId)}`;
    const choice = input(visit, 'choice');
    const reason = input(visit, 'reason');
    const key = formKey(visit) || runId;
    const { t } = visit.voice;
    if (choice === 'approve') {
      const approval = {
        seen: input(visit, 'seen'),
        acceptPossibleDuplicates: input(visit, 'duplicates') === 'accept',
      };
      await backend.approveRun(visit.viewer, runId, approval, key);
      visit.leaveNotice('runApproved');
      return visit.goTo(address);
    }
    if (choice === 'reject' && reason !== '') {
      await backend.rejectRun(visit.viewer, runId, input(visit, 'seen'), reason.slice(0, 500), key);
      visit.leaveNotice('runRejected');
      return visit.goTo(address);
    }
    if (choice === 'settle' && reason !== '') {
      await backend.settleRun(visit.viewer, runId, input(visit, 'task'), reason.slice(0, 2000), key);
      visit.leaveNotice('runSettled');
      return visit.goTo(address);
    }
    const errors =
      choice === 'settle'
        ? [{ text: t('office.run.noteMissing'), href: '#note' }]
        : choice === 'reject'
          ? [{ text: t('office.run.reasonMissing'), href: '#reason' }]
          : [{ text: t('office.run.choose'), href: '#choice' }];
    const run = await backend.paymentRun(visit.viewer, runId);
    return visit.show(
      'office/run.njk',
      { section: 'runs', run, errors, entered: { choice, reason }, back: '/office/payment-runs' },
      422,
    );
  });
}
