import { notFound, Problem } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { findDefinition } from '../definitions/definitions.ts';
import { instanceFigures } from '../history/figures.ts';
import { readHealth } from '../history/health.ts';
import { countTokens } from '../history/read-history.ts';
import { elementStatistics } from '../history/statistics.ts';
import { observer, type WorkflowService } from '../service.ts';
import type { monitoringOperations } from './monitoring-operations.ts';

const minute = 60_000;
const day = 1440 * minute;
const longestSpan = 366 * day;
const mostIntervals = 400;
const longest = { hour: 60 * minute, day, month: 31 * day };

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Za-z]/.test(name);
  } catch {
    return false;
  }
}

/** Handlers of statistics and health. */
export function monitoringHandlers(service: WorkflowService): Handlers<typeof monitoringOperations> {
  const { db, engine } = service;
  return {
    async getElementStatistics({ params, query, caller, person }) {
      const row = await findDefinition(db, observer(service, caller, person), params.processId);
      if (!row) throw notFound('Process');
      const length = Date.parse(query.to) - Date.parse(query.from);
      if (!(length > 0 && length <= longestSpan)) {
        throw new Problem(400, 'The span must end after it begins, and last 366 days at most');
      }
      const { elements, complete } = await elementStatistics(db, row.id, query);
      const passed = new Map(elements.map((one) => [one.element_id, one]));
      const standing = await countTokens(db, row.id);
      const model = await engine.models(row.id, db);
      return {
        status: 200,
        body: {
          processRef: row.id,
          complete,
          elements: [...model.elements.keys()].map((elementId) => {
            const one = passed.get(elementId);
            return {
              elementId,
              entered: one?.entered ?? 0,
              left: one?.left ?? 0,
              active: standing.get(elementId)?.active ?? 0,
              incidents: one?.incidents ?? 0,
              ...(one?.mean == null ? {} : { mean: one.mean }),
              ...(one?.p50 == null ? {} : { p50: one.p50 }),
              ...(one?.p95 == null ? {} : { p95: one.p95 }),
            };
          }),
        },
      };
    },
    async getHealth({ caller, person }) {
      const now = engine.now();
      const before = (ms: number): string => new Date(now.getTime() - ms).toISOString();
      const times = { now: now.toISOString(), dayAgo: before(day), late: before(minute) };
      const one = await readHealth(db, observer(service, caller, person), times);
      return {
        status: 200,
        body: {
          state:
            one.workers === 0
              ? 'down'
              : one.late_jobs > 0
                ? 'late'
                : one.incidents > 0
                  ? 'attention'
                  : 'good',
          workers: one.workers,
          processes: one.processes,
          disabledRevisions: one.disabled,
          running: one.running,
          lastDay: {
            started: one.started,
            completed: one.completed,
            failed: one.failed,
            stopped: one.stopped,
          },
          openIncidents: one.incidents,
          openTasks: one.tasks,
          overdueTasks: one.overdue_tasks,
          dueJobs: one.due_jobs,
          lateJobs: one.late_jobs,
          oldestDue: one.oldest_due && new Date(one.oldest_due).toISOString(),
          suspended: one.suspended,
          overdue: one.overdue,
        },
      };
    },
    async getInstanceFigures({ query, caller, person }) {
      const { from, to, interval, timeZone = 'UTC', processKey } = query;
      const length = Date.parse(to) - Date.parse(from);
      if (!(length > 0 && length <= mostIntervals * longest[interval])) {
        throw new Problem(
          400,
          `The span must end after it begins, and have ${mostIntervals} intervals at most`,
        );
      }
      if (!isTimeZone(timeZone)) throw new Problem(400, `${timeZone} is not a time zone`);
      const asked = { from, to, interval, timeZone, ...(processKey === undefined ? {} : { processKey }) };
      const rows = await instanceFigures(db, observer(service, caller, person), asked);
      return {
        status: 200,
        body: { intervals: rows.map((row) => ({ ...row, begin: new Date(row.begin).toISOString() })) },
      };
    },
  };
}
