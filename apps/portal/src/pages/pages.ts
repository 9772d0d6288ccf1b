import type { Backend } from '../backend.ts';
import type { PortalSettings } from '../site/settings.ts';
import type { Site } from '../site/visit.ts';
import { applicationPages } from './applications.ts';
import { applyPages } from './apply.ts';
import { checkPages } from './apply-check.ts';
import { consentPages } from './apply-consent.ts';
import { formPages } from './apply-form.ts';
import { groupPages } from './apply-group.ts';
import { billPages } from './bills.ts';
import { fileRequestPages } from './file-requests.ts';
import { messagePages } from './messages.ts';
import { dataPages } from './my-data.ts';
import { paymentRunPages } from './payment-runs.ts';
import { paymentPages } from './payments.ts';
import { programmePages } from './programmes.ts';
import { scenePages } from './scenes.ts';
import { servicePages } from './services.ts';
import { taskPages } from './tasks.ts';

/** What page groups share. */
export interface PageParts {
  readonly site: Site;
  readonly backend: Backend;
  readonly settings: PortalSettings;
  readonly now: () => Date;
  /** The day in the country, `YYYY-MM-DD`. */
  readonly today: () => string;
}

/** Registers every page of the portal. */
export function pages(site: Site, backend: Backend, settings: PortalSettings, now: () => Date): void {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: settings.timeZone, dateStyle: 'short' });
  const parts: PageParts = { site, backend, settings, now, today: () => day.format(now()) };
  for (const register of [
    servicePages,
    applyPages,
    consentPages,
    formPages,
    groupPages,
    checkPages,
    applicationPages,
    fileRequestPages,
    messagePages,
    paymentPages,
    billPages,
    dataPages,
    taskPages,
    programmePages,
    paymentRunPages,
    scenePages,
  ])
    register(parts);
}
