import { defineSurface } from '@govstack/platform/operation';
import { historyOperations } from './history-operations.ts';
import { logOperations } from './log-operations.ts';
import { proofOperations } from './proof-operations.ts';
import { qualityOperations } from './quality-operations.ts';
import { statisticsOperations } from './statistics-operations.ts';

/** What the registries of an application know of themselves: logs and proofs, statistics, quality. */
export const registryInsight = defineSurface({
  name: 'registry-insight-v1',
  title: 'Digital registries: logs, proofs, statistics, quality',
  version: '1.0.0',
  operations: {
    ...logOperations,
    ...proofOperations,
    ...historyOperations,
    ...statisticsOperations,
    ...qualityOperations,
  },
});
