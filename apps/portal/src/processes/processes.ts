import type { BlockContext } from '@govstack/platform';
import { createNames } from '../mediated/names.ts';
import type { PortalSettings } from '../site/settings.ts';
import type { Site } from '../site/visit.ts';
import { processClients } from './clients.ts';
import { designPages } from './design/design.ts';
import { overviewPages } from './overview.ts';
import type { ProcessParts } from './shell.ts';

/** The cockpit of processes; without the workflow block in the settings there is none. */
export function processPages(site: Site, context: BlockContext<PortalSettings>): void {
  const { services, names, timeZone } = context.config;
  if (services === undefined) return;
  const application = services.workflow.split('/').slice(0, 4).join('/');
  const parts: ProcessParts = {
    site,
    clients: processClients(context.mediation, application),
    names: createNames(names),
    timeZone,
    now: context.now,
  };
  for (const register of [overviewPages, designPages]) register(parts);
}
