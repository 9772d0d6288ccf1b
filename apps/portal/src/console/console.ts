import type { BlockContext } from '@govstack/platform';
import { createNames } from '../mediated/names.ts';
import type { PortalSettings } from '../site/settings.ts';
import type { Site } from '../site/visit.ts';
import { actPages } from './acts.ts';
import { type ConsoleParts, cataloguePages } from './catalogue.ts';
import { certificatePages } from './certificates.ts';
import { consoleClients } from './clients.ts';
import { messageLogPages } from './message-log.ts';
import { overviewPages } from './overview.ts';
import { requestPages } from './requests.ts';
import { trialPages } from './trial.ts';

/** The console of the information mediator; without its application in the settings there is none. */
export function consolePages(site: Site, context: BlockContext<PortalSettings>): void {
  const { mediator, names } = context.config;
  if (mediator === undefined) return;
  const parts: ConsoleParts = {
    site,
    clients: consoleClients(context.mediation, mediator),
    names: createNames(names),
    now: context.now,
  };
  for (const register of [
    overviewPages,
    cataloguePages,
    messageLogPages,
    requestPages,
    certificatePages,
    actPages,
    trialPages,
  ])
    register(parts);
}
