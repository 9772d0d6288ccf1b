import { defineSurface } from '@govstack/platform/operation';
import { collectorOperations } from './collector-operations.ts';
import { environmentOperations } from './environment-operations.ts';
import { healthOperations } from './health-operations.ts';
import { indicatorOperations } from './indicator-operations.ts';
import { recordOperations } from './record-operations.ts';
import { statisticsOperations } from './statistics-operations.ts';

/**
 * What this server knows of its exchanges and of itself. Every registered application may ask; owner, governance and
 * the configured monitoring clients see everything, others what they took part in, an agency's auditors and
 * administrators what their agency took part in.
 */
export const mediatorMonitoring = defineSurface({
  name: 'mediator-monitoring-v1',
  title: 'Information mediator: monitoring',
  version: '1.0.0',
  operations: {
    ...recordOperations,
    ...healthOperations,
    ...statisticsOperations,
    ...environmentOperations,
    ...indicatorOperations,
    ...collectorOperations,
  },
});
