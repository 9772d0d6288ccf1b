import { defineSurface } from '@govstack/platform/operation';
import * as money from './money-operations.ts';
import * as statements from './statement-operations.ts';

/** Bank statements and what they prove; returned money; settlement figures; fees. For the treasury. */
export const reconciliation = defineSurface({
  name: 'payments-reconciliation-v1',
  title: 'Payments: reconciliation, returns, settlement figures and fees',
  version: '1.0.0',
  operations: { ...statements, ...money },
});
