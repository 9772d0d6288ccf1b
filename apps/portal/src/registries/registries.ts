import type { BlockContext } from '@govstack/platform';
import { createNames } from '../mediated/names.ts';
import type { PortalSettings } from '../site/settings.ts';
import type { Site } from '../site/visit.ts';
import { accessPages } from './access.ts';
import { chainPages } from './chain.ts';
import { registryClients } from './clients.ts';
import { designPages } from './design.ts';
import { documentPages } from './documents.ts';
import { explanationPages } from './explanation.ts';
import { exportPages } from './exports.ts';
import { fieldPages } from './field-pages.ts';
import { figurePages } from './figures.ts';
import { gridPages } from './grid.ts';
import { historyPages } from './history.ts';
import { importPages } from './imports.ts';
import type { ListStore } from './list-store.ts';
import { logPages } from './log.ts';
import type { LogSearch } from './log-search.ts';
import { overviewPages } from './overview.ts';
import { ownerOf, ownersFrom } from './place.ts';
import { recordPages } from './record.ts';
import { recordEditPages } from './record-edit.ts';
import { removalPages } from './removal.ts';
import { rightPages } from './right.ts';
import { rightsPages } from './rights.ts';
import { sharePages } from './share.ts';
import { sharedPages } from './shared.ts';
import type { RegistryParts } from './shell.ts';
import { textPages } from './text-view.ts';

/** The console of the registries: what the portal's settings say agencies own, designed and worked with by their people. */
export function registryPages(
  site: Site,
  context: BlockContext<PortalSettings>,
  lists: ListStore,
  searches: ListStore<LogSearch>,
): void {
  const { registries, names, timeZone } = context.config;
  const day = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const parts: RegistryParts = {
    site,
    clients: registryClients(context.mediation),
    names: createNames(names),
    owners: ownersFrom(registries),
    everyOwner: registries.map(({ service }) => ownerOf(service)),
    lists,
    searches,
    timeZone,
    today: () => day.format(context.now()),
    now: context.now,
  };
  for (const register of [
    overviewPages,
    designPages,
    fieldPages,
    textPages,
    gridPages,
    recordPages,
    recordEditPages,
    documentPages,
    historyPages,
    removalPages,
    rightsPages,
    rightPages,
    explanationPages,
    accessPages,
    importPages,
    exportPages,
    figurePages,
    logPages,
    chainPages,
    sharePages,
    sharedPages,
  ])
    register(parts);
}
