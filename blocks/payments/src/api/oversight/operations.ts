import { defineSurface } from '@govstack/platform/operation';
import { auditOperations } from './audit-operations.ts';
import { disputeOperations } from './dispute-operations.ts';
import { institutionOperations } from './institution-operations.ts';
import { receiptOperations } from './receipt-operations.ts';
import { reportOperations } from './report-operations.ts';
import { screeningOperations } from './screening-operations.ts';

/** Records, receipts, disputes, institutions, reviews, reports and keys: what keeps the payments honest. */
export const oversight = defineSurface({
  name: 'payments-oversight-v1',
  title: 'Payments: records, disputes, institutions and reports',
  version: '1.0.0',
  operations: {
    ...auditOperations,
    ...receiptOperations,
    ...disputeOperations,
    ...institutionOperations,
    ...screeningOperations,
    ...reportOperations,
  },
});
