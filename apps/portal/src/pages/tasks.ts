import type { ApplicationFile, Decision } from '../backend.ts';
import { summarise } from '../forms/summary.ts';
import { staffRoles } from '../site/navigation.ts';
import { formKey, input, pageNumber, type SignedInVisit } from '../site/visit.ts';
import type { PageParts } from './pages.ts';
import { scoreScale } from './score-scale.ts';

const size = 20;
const outcomes = ['APPROVED', 'REJECTED', 'SENDBACK'] as const;
const states = ['open', 'APPROVED', 'REJECTED'] as const;
const longestReason = 2000;

/** An officer's work: the list, the file with its evidence, the decision with its reason. */
export function taskPages({ site, backend }: PageParts): void {
  const access = { roles: staffRoles.tasks };

  site.page('/office/tasks', access, async (visit) => {
    const page = pageNumber(visit);
    const state = states.find((one) => one === visit.query.state) ?? 'open';
    const list = await backend.tasks(visit.viewer, { page, size, state });
    return visit.show('office/tasks.njk', {
      section: 'tasks',
      list: { ...list, page },
      state,
      states,
      shown: {
        area: list.items.some((task) => task.area),
        reasons: list.items.some((task) => task.reasons),
        score: list.items.some((task) => task.score !== undefined),
      },
    });
  });

  const showFile = (
    visit: SignedInVisit,
    file: ApplicationFile,
    entered: { outcome?: string; reason?: string; errors?: readonly { text: string; href: string }[] } = {},
  ): ReturnType<SignedInVisit['show']> =>
    visit.show(
      'office/file.njk',
      {
        section: 'tasks',
        file,
        sections: summarise(visit.voice, file.form, file.answers),
        mostPoints: Math.max(1, ...(file.score?.indicators ?? []).map((one) => one.points)),
        scale: file.score && scoreScale(file.score, visit.voice),
        entered,
        errors: entered.errors ?? [],
        longestReason,
        back: '/office/tasks',
      },
      entered.errors?.length ? 422 : 200,
    );

  site.page('/office/tasks/:task', access, async (visit) =>
    showFile(visit, await backend.task(visit.viewer, visit.params.task as string)),
  );

  site.page('/office/files/:application', access, async (visit) =>
    showFile(visit, await backend.file(visit.viewer, visit.params.application as string)),
  );

  site.action('/office/tasks/:task', access, async (visit) => {
    const taskId = visit.params.task as string;
    const chosen = input(visit, 'outcome');
    const outcome = outcomes.find((one) => one === chosen);
    const reason = input(visit, 'reason').replaceAll('\r\n', '\n');
    const { t } = visit.voice;
    if (input(visit, 'form') === 'answer') {
      const tooLong = [...reason].length > longestReason;
      if (reason.length < 3 || tooLong) {
        const text = tooLong
          ? t('office.decision.reasonTooLong', { max: longestReason })
          : t('office.answer.missing');
        const file = await backend.task(visit.viewer, taskId);
        return showFile(visit, file, { reason, errors: [{ text, href: '#reason' }] });
      }
      await backend.answer(visit.viewer, taskId, reason, formKey(visit) || taskId);
      visit.leaveNotice('answered');
      return visit.goTo('/office/tasks');
    }
    const errors = [
      ...(outcome ? [] : [{ text: t('office.decision.choose'), href: '#outcome' }]),
      ...(reason === '' ? [{ text: t('office.decision.reasonMissing'), href: '#reason' }] : []),
      ...([...reason].length > longestReason
        ? [{ text: t('office.decision.reasonTooLong', { max: longestReason }), href: '#reason' }]
        : []),
    ];
    if (!outcome || errors.length > 0) {
      const file = await backend.task(visit.viewer, taskId);
      return showFile(visit, file, { outcome: chosen, reason, errors });
    }
    const decision: Decision = { outcome, reason };
    await backend.decide(visit.viewer, taskId, decision, formKey(visit) || taskId);
    visit.leaveNotice('decided');
    return visit.goTo('/office/tasks');
  });
}
