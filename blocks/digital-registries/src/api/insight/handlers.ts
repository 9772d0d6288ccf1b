import { type ImplementedSurface, implement } from '@govstack/platform';
import { historyHandlers } from './history-handlers.ts';
import { logHandlers } from './log-handlers.ts';
import { registryInsight } from './operations.ts';
import type { InsightParts } from './parts.ts';
import { proofHandlers } from './proof-handlers.ts';
import { qualityHandlers } from './quality-handlers.ts';
import { statisticsHandlers } from './statistics-handlers.ts';

/** The surface of logs, proofs, statistics and quality: who may, then one call of the room. */
export const serveInsight = (parts: InsightParts): ImplementedSurface =>
  implement(registryInsight, {
    ...logHandlers(parts),
    ...proofHandlers(parts),
    ...historyHandlers(parts),
    ...statisticsHandlers(parts),
    ...qualityHandlers(parts),
  });
