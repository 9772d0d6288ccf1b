import { instantOf } from '../registries/moments.ts';
import type { PageError } from '../registries/refusals.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { attempt } from './refusals.ts';
import { frame, operatorAccess, type ProcessParts, revisionPath } from './shell.ts';
import { shownRows, valueTypes, variablesIn } from './variable-entry.ts';

const rhythms = ['once', 'hourly', 'daily', 'weekly', 'monthly', 'other'] as const;
type Rhythm = (typeof rhythms)[number];
const outcomes = ['completed', 'failed'] as const;
const missedChoices = ['once', 'skip', 'all'] as const;

/** A rhythm that people choose as cron of five fields; undefined when something for it is missing. */
export function cronOf(rhythm: Rhythm, entered: Readonly<Record<string, string>>): string | undefined {
  const { time = '', weekday = '', day = '', cron = '' } = entered;
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)/.exec(time) ?? [];
  if (rhythm === 'other') return cron === '' ? undefined : cron;
  if (rhythm === 'hourly') return '0 * * * *';
  if (hour === undefined || minute === undefined) return undefined;
  const at = `${Number(minute)} ${Number(hour)}`;
  if (rhythm === 'daily') return `${at} * * *`;
  if (rhythm === 'weekly') return /^[0-6]$/.test(weekday) ? `${at} * * ${weekday}` : undefined;
  if (rhythm === 'monthly')
    return /^([1-9]|[12]\d|3[01])$/.test(day) ? `${at} ${Number(day)} * *` : undefined;
  return undefined;
}

const mappingsIn = (text: string): { target: string; source: string }[] =>
  text
    .split('\n')
    .map((line) => /^\s*([^=\s]+)\s*=\s*(.+?)\s*$/.exec(line))
    .flatMap((found) => (found ? [{ target: found[1] as string, source: found[2] as string }] : []));

/** What starts a process by itself: the clock, and other processes (WF-6.2-g, WF-6.2-i). */
export function triggerPages({ site, clients: { admin, api }, timeZone }: ProcessParts): void {
  const path = '/processes/revisions/:ref/starts';
  const names = [
    'rhythm',
    'date',
    'time',
    'weekday',
    'day',
    'cron',
    'missed',
    'source',
    'on',
    'mappings',
  ] as const;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const process = (await api.getProcess({ params: { processId: visit.params.ref as string } })).body;
    const [schedules, triggers, current] = await Promise.all([
      admin.listSchedules({}),
      admin.listFlowTriggers({ query: { limit: 500 } }),
      api.getProcessList({}),
    ]);
    return visit.show(
      'processes/starts.njk',
      {
        ...frame(visit, 'overview'),
        back: revisionPath(process.id),
        here: `${revisionPath(process.id)}/starts`,
        process,
        drawn: schedules.body.schedules.filter(({ processKey }) => processKey === process.key),
        defined: schedules.body.defined.filter((one) => one.process === process.key),
        before: triggers.body.triggers.filter(({ target }) => target === process.key),
        after: triggers.body.triggers.filter(({ source }) => source === process.key),
        others: current.body.filter(({ key }) => key !== process.key),
        rhythms,
        outcomes,
        missedChoices,
        timeZone,
        valueTypes,
        rows: variablesIn(visit).rows,
        shownRows,
        entered: Object.fromEntries(names.map((name) => [name, input(visit, name)])),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page(path, operatorAccess, (visit) => show(visit));

  site.action(path, operatorAccess, async (visit) => {
    const process = (await api.getProcess({ params: { processId: visit.params.ref as string } })).body;
    const choice = input(visit, 'choice');
    const { t } = visit.voice;
    const schedule = async (): Promise<readonly PageError[] | undefined> => {
      const rhythm = rhythms.find((one) => one === input(visit, 'rhythm'));
      if (!rhythm) return [{ text: t('processes.starts.rhythmMissing'), href: '#rhythm' }];
      const entered = Object.fromEntries(names.map((name) => [name, input(visit, name)]));
      const at =
        rhythm === 'once'
          ? instantOf(`${entered.date}T${entered.time?.slice(0, 5)}`, timeZone)
          : cronOf(rhythm, entered);
      if (at === undefined) return [{ text: t('processes.starts.timeMissing'), href: '#time' }];
      const { variables, errors } = variablesIn(visit);
      if (errors.length > 0) return errors;
      const missed = missedChoices.find((one) => one === input(visit, 'missed')) ?? 'once';
      const timed =
        rhythm === 'once' ? { when: 'date' as const, at } : { when: 'cycle' as const, at, timeZone };
      return attempt(visit, '#rhythm', () =>
        admin.defineSchedule({ body: { process: process.key, ...timed, missed, variables } }),
      );
    };
    const trigger = (): Promise<readonly PageError[] | undefined> =>
      attempt(visit, '#source', () =>
        admin.defineFlowTrigger({
          body: {
            source: input(visit, 'source'),
            on: outcomes.find((one) => one === input(visit, 'on')) ?? 'completed',
            target: process.key,
            variables: mappingsIn(input(visit, 'mappings').slice(0, 20_000)),
          },
        }),
      );
    const id = input(visit, 'id');
    const acts: Readonly<Record<string, () => Promise<readonly PageError[] | undefined>>> = {
      schedule,
      trigger,
      removeSchedule: () =>
        attempt(visit, '#defined', () => admin.removeSchedule({ params: { scheduleId: id } })),
      removeTrigger: () =>
        attempt(visit, '#triggers', () => admin.removeFlowTrigger({ params: { triggerId: id } })),
    };
    const act = Object.hasOwn(acts, choice) ? acts[choice] : undefined;
    const errors = await act?.();
    if (errors && errors.length > 0) return show(visit, errors);
    visit.leaveNotice('settingSaved');
    return visit.goTo(`${revisionPath(process.id)}/starts`);
  });
}
