import type { BlockContext } from '@govstack/platform';
import { createNames } from '../mediated/names.ts';
import type { ListStore } from '../registries/list-store.ts';
import type { PortalSettings } from '../site/settings.ts';
import type { Site } from '../site/visit.ts';
import { processClients } from './clients.ts';
import { connectionPages } from './connections.ts';
import { designPages } from './design/design.ts';
import { incidentPages } from './incidents.ts';
import { instancePages } from './instance.ts';
import { instanceListPages } from './instances.ts';
import { migrationPages } from './migration.ts';
import { overviewPages } from './overview.ts';
import { revisionPages } from './revision.ts';
import type { InstanceSearch, ProcessParts } from './shell.ts';
import { startPages } from './start.ts';
import { toldPages } from './told.ts';
import { triggerPages } from './triggers.ts';
import { variablePages } from './variables.ts';

/** The cockpit of processes; without the workflow block in the settings there is none. */
export function processPages(
  site: Site,
  context: BlockContext<PortalSettings>,
  searches: ListStore<InstanceSearch>,
): void {
  const { services, names, timeZone } = context.config;
  if (services === undefined) return;
  const application = services.workflow.split('/').slice(0, 4).join('/');
  const parts: ProcessParts = {
    site,
    clients: processClients(context.mediation, application),
    names: createNames(names),
    searches,
    timeZone,
    now: context.now,
  };
  for (const register of [
    overviewPages,
    revisionPages,
    startPages,
    triggerPages,
    migrationPages,
    instanceListPages,
    instancePages,
    variablePages,
    incidentPages,
    connectionPages,
    toldPages,
    designPages,
  ])
    register(parts);
}
