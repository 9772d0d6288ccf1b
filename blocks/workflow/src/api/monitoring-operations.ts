import { defineOperation, Type } from '@govstack/platform/operation';
import { GivenTime, Id, OrNull } from './schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const Seconds = Type.Optional(Type.Number({ minimum: 0 }));

const getElementStatistics = defineOperation({
  id: 'getElementStatistics',
  method: 'GET',
  path: '/processes/{processId}/statistics',
  summary: 'How often the elements of a process were entered and left, and how long that took',
  description:
    'In a span of at most 366 days, of at most 10,000 instances, the newest; `complete` is false when there were more. Durations are in seconds, of the visits that ended in the span. `active` is now.',
  requirements: ['WF-6.3-b', 'WF-6.5-d'],
  access: administrator,
  params: Type.Object({ processId: Id }),
  query: Type.Object({ from: GivenTime, to: GivenTime }),
  responses: {
    200: Type.Object({
      processRef: Type.String(),
      complete: Type.Boolean(),
      elements: Type.Array(
        Type.Object({
          elementId: Type.String(),
          entered: Type.Integer(),
          left: Type.Integer(),
          active: Type.Integer(),
          incidents: Type.Integer({ description: 'Raised in the span' }),
          mean: Seconds,
          p50: Seconds,
          p95: Seconds,
        }),
      ),
    }),
  },
});

const Count = Type.Integer({ minimum: 0 });

const getHealth = defineOperation({
  id: 'getHealth',
  method: 'GET',
  path: '/health',
  summary: 'How the engine and the processes do, in figures for a dashboard',
  description:
    '`down`: no worker. `late`: due calls or timers that nobody has taken for a minute. `attention`: open incidents.',
  requirements: ['WF-6.3-b'],
  access: administrator,
  responses: {
    200: Type.Object({
      state: Type.Union([
        Type.Literal('good'),
        Type.Literal('attention'),
        Type.Literal('late'),
        Type.Literal('down'),
      ]),
      workers: Type.Integer({ description: 'Workers of all nodes that are alive' }),
      processes: Type.Integer({ description: 'Processes that can be started' }),
      disabledRevisions: Count,
      running: Count,
      lastDay: Type.Object({ started: Count, completed: Count, failed: Count, stopped: Count }),
      openIncidents: Count,
      openTasks: Count,
      overdueTasks: Count,
      dueJobs: Type.Integer({ description: 'Calls and timers that are due, those under way too' }),
      lateJobs: Type.Integer({ description: 'Due for more than a minute and not taken' }),
      oldestDue: OrNull(
        Type.String({ format: 'date-time', description: 'Since when the oldest of them has been due' }),
      ),
      suspended: Type.Integer({ description: 'Running instances that are suspended' }),
      overdue: Type.Integer({ description: 'Running longer than their process allows' }),
    }),
  },
});

const getInstanceFigures = defineOperation({
  id: 'getInstanceFigures',
  method: 'GET',
  path: '/statistics/instances',
  summary: 'How many instances began and ended, by hour, day or month',
  description:
    'Intervals in which nothing happened are left out. A span has at most 400 intervals. `timeZone` (IANA) says when days begin; UTC without it.',
  requirements: ['WF-6.3-b', 'WF-6.5-d'],
  access: administrator,
  query: Type.Object({
    from: GivenTime,
    to: GivenTime,
    interval: Type.Union([Type.Literal('hour'), Type.Literal('day'), Type.Literal('month')]),
    timeZone: Type.Optional(Type.String({ minLength: 1, maxLength: 100, default: 'UTC' })),
    processKey: Type.Optional(Type.String({ maxLength: 200 })),
  }),
  responses: {
    200: Type.Object({
      intervals: Type.Array(
        Type.Object({
          begin: Type.String({ format: 'date-time' }),
          started: Count,
          completed: Count,
          failed: Count,
          stopped: Count,
        }),
      ),
    }),
  },
});

/** Figures for heat maps and dashboards. */
export const monitoringOperations = { getElementStatistics, getHealth, getInstanceFigures };
