import type { Command } from '../execution/command.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/** A call that is to be made at a time. */
export interface OpenJob extends Of<'createJob'> {
  readonly attempts: number;
  readonly dueAt: string;
}

/** What a trial waits for: kept in memory where the engine writes rows. */
export interface OpenWork {
  readonly jobs: Map<string, OpenJob>;
  readonly tasks: Map<string, Of<'createTask'>>;
  readonly timers: Map<string, Of<'createTimer'>>;
  readonly messages: Map<string, Of<'subscribe'>>;
  readonly signals: Map<string, Of<'awaitSignal'>>;
  readonly calls: Map<string, Of<'callProcess'>>;
  readonly incidents: Map<string, Of<'raiseIncident'>>;
}

export const nothingOpen = (): OpenWork => ({
  jobs: new Map(),
  tasks: new Map(),
  timers: new Map(),
  messages: new Map(),
  signals: new Map(),
  calls: new Map(),
  incidents: new Map(),
});

/** Takes note of a command in place of carrying it out: nothing leaves the trial. */
export function note(open: OpenWork, one: Command, now: string): void {
  switch (one.type) {
    case 'createJob':
      open.jobs.set(one.jobId, { ...one, attempts: 0, dueAt: now });
      return;
    case 'retryJob': {
      const job = open.jobs.get(one.jobId);
      if (job) open.jobs.set(one.jobId, { ...job, attempts: one.attempts, dueAt: one.dueAt });
      return;
    }
    case 'parkJob':
    case 'removeJob':
      open.jobs.delete(one.jobId);
      return;
    case 'callProcess':
      open.calls.set(one.instanceId, one);
      return;
    case 'stopCalled':
      open.calls.delete(one.instanceId);
      return;
    case 'createTimer':
      open.timers.set(one.timerId, one);
      return;
    case 'removeTimer':
      open.timers.delete(one.timerId);
      return;
    case 'subscribe':
      open.messages.set(one.subscriptionId, one);
      return;
    case 'unsubscribe':
      open.messages.delete(one.subscriptionId);
      return;
    case 'awaitSignal':
      open.signals.set(one.subscriptionId, one);
      return;
    case 'forgetSignal':
      open.signals.delete(one.subscriptionId);
      return;
    case 'createTask':
      open.tasks.set(one.taskId, one);
      return;
    case 'endTask':
      open.tasks.delete(one.taskId);
      return;
    case 'raiseIncident':
      open.incidents.set(one.incidentId, one);
      return;
    case 'resolveIncident':
      open.incidents.delete(one.incidentId);
      return;
    case 'throwSignal':
  }
}
