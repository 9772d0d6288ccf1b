import { type ImplementedSurface, implement } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Monitoring } from '../../monitoring/monitoring.ts';
import type { MediatorTables } from '../../tables.ts';
import type { Governance } from '../authority.ts';
import { administerCollector } from './collector-handlers.ts';
import { readEnvironment } from './environment-handlers.ts';
import { readHealth } from './health-handlers.ts';
import { readIndicators } from './indicator-handlers.ts';
import { mediatorMonitoring } from './operations.ts';
import { type Reader, readers } from './reader.ts';
import { readRecords } from './record-handlers.ts';
import { readStatistics } from './statistics-handlers.ts';

export interface MonitoringSurface {
  readonly db: Kysely<MediatorTables>;
  readonly monitoring: Monitoring;
  readonly governance: Governance;
  /** The mediator's own application: its owner sees everything. */
  readonly own: string;
  readonly now: () => Date;
}

/** What the handlers of this surface share. */
export interface Reading extends Omit<MonitoringSurface, 'governance' | 'own'> {
  readonly reader: Reader;
}

export function giveMonitoring({ governance, own, ...rest }: MonitoringSurface): ImplementedSurface {
  const reading: Reading = { ...rest, reader: readers(governance, own, rest.monitoring.settings.clients) };
  return implement(mediatorMonitoring, {
    ...readRecords(reading),
    ...readHealth(reading),
    ...readStatistics(reading),
    ...readEnvironment(reading),
    ...readIndicators(reading),
    ...administerCollector(reading),
  });
}
