import { access, frame, type ProcessParts } from './shell.ts';

/** Processes at a glance: how many instances are where, what is stuck, and how the engine does (WF-6.3-b). */
export function overviewPages({ site, clients: { admin } }: ProcessParts): void {
  site.page('/processes', access, async (visit) => {
    const [health, statistics] = await Promise.all([admin.getHealth({}), admin.getStatistics({})]);
    return visit.show('processes/overview.njk', {
      ...frame('overview'),
      health: health.body,
      processes: statistics.body.processes,
    });
  });
}
