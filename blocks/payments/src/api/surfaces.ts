import { conflict, type ImplementedSurface, implement } from '@govstack/platform';
import { requestsOnRecord } from '../audit/requests.ts';
import type { Payments } from '../payments-context.ts';
import { dispatchHandlers } from './admin/dispatch-handlers.ts';
import { failureHandlers } from './admin/failure-handlers.ts';
import { ledgerHandlers } from './admin/ledger-handlers.ts';
import { runHandlers } from './admin/run-handlers.ts';
import { settingsHandlers } from './admin/settings-handlers.ts';
import { billerHandlers } from './billers/biller-handlers.ts';
import { reportHandlers as billReportHandlers } from './billers/report-handlers.ts';
import { collectionHandlers } from './collection/handlers.ts';
import { answerG2pSuite } from './compliance/g2p-handlers.ts';
import { g2pSuite } from './compliance/g2p-operations.ts';
import { answerVoucherSuite } from './compliance/vouchers-handlers.ts';
import { vouchersSuite } from './compliance/vouchers-operations.ts';
import { batchHandlers } from './g2p/batch-handlers.ts';
import { mapperHandlers } from './g2p/mapper-handlers.ts';
import { submissionHandlers } from './g2p/submission-handlers.ts';
import { transactionHandlers } from './g2p/transaction-handlers.ts';
import { gsmaCallbackHandlers } from './gsma-callback/handlers.ts';
import {
  collection,
  g2p,
  gsmaCallback,
  oversight,
  p2g,
  paymentsAdmin,
  paymentsBillers,
  phee,
  railCallback,
  railFiles,
  reconciliation,
  voucherAdmin,
  vouchers,
} from './operations.ts';
import { auditHandlers } from './oversight/audit-handlers.ts';
import { disputeHandlers } from './oversight/dispute-handlers.ts';
import { institutionHandlers } from './oversight/institution-handlers.ts';
import { receiptHandlers } from './oversight/receipt-handlers.ts';
import { reportHandlers } from './oversight/report-handlers.ts';
import { screeningHandlers } from './oversight/screening-handlers.ts';
import { billHandlers } from './p2g/bill-handlers.ts';
import { requestHandlers } from './p2g/request-handlers.ts';
import { pheeHandlers } from './phee/handlers.ts';
import { railCallbackHandlers } from './rail-callback/handlers.ts';
import { railFileHandlers } from './rail-files/handlers.ts';
import { moneyHandlers } from './reconciliation/money-handlers.ts';
import { statementHandlers } from './reconciliation/statement-handlers.ts';
import { voucherAdminHandlers } from './voucher-admin/handlers.ts';
import { voucherHandlers } from './vouchers/handlers.ts';

type AnyHandler = (input: never) => Promise<unknown>;

export const surfaces = [
  g2p,
  phee,
  vouchers,
  p2g,
  paymentsAdmin,
  voucherAdmin,
  paymentsBillers,
  collection,
  reconciliation,
  oversight,
  railCallback,
  gsmaCallback,
  railFiles,
];

/** Dialects of the official suite, served in the compliance profile only. */
export const suites = [g2pSuite, vouchersSuite];

/**
 * Of two requests that write the same at the same moment the later one is told so; asking again answers it as any
 * repeat.
 */
const refusingClashes =
  (payments: Payments) =>
  (surface: ImplementedSurface): ImplementedSurface => ({
    ...surface,
    handlers: Object.fromEntries(
      Object.entries(surface.handlers as Record<string, AnyHandler>).map(([id, handler]) => [
        id,
        (input: never) =>
          handler(input).catch((error: unknown) => {
            const { code, constraint } = error as { readonly code?: string; readonly constraint?: string };
            if (code !== '23505') throw error;
            payments.ctx.log.warn({ operation: id, constraint }, 'two requests wrote the same');
            throw conflict('Another request wrote the same at this moment; ask again');
          }),
      ]),
    ),
  });

/** Every surface with its handlers; what they are asked that could change something is on record. */
export const implementSurfaces = (payments: Payments) =>
  [
    implement(g2p, {
      ...mapperHandlers(payments),
      ...batchHandlers(payments),
      ...transactionHandlers(payments),
      ...submissionHandlers(payments),
    }),
    implement(phee, pheeHandlers(payments)),
    implement(vouchers, voucherHandlers(payments)),
    implement(p2g, { ...billHandlers(payments), ...requestHandlers(payments) }),
    implement(paymentsAdmin, {
      ...settingsHandlers(payments),
      ...runHandlers(payments),
      ...failureHandlers(payments),
      ...ledgerHandlers(payments),
      ...dispatchHandlers(payments),
    }),
    implement(voucherAdmin, voucherAdminHandlers(payments)),
    implement(paymentsBillers, { ...billerHandlers(payments), ...billReportHandlers(payments) }),
    implement(collection, collectionHandlers(payments)),
    implement(reconciliation, { ...statementHandlers(payments), ...moneyHandlers(payments) }),
    implement(oversight, {
      ...auditHandlers(payments),
      ...receiptHandlers(payments),
      ...disputeHandlers(payments),
      ...institutionHandlers(payments),
      ...screeningHandlers(payments),
      ...reportHandlers(payments),
    }),
    implement(railCallback, railCallbackHandlers(payments)),
    implement(gsmaCallback, gsmaCallbackHandlers(payments)),
    implement(railFiles, railFileHandlers(payments)),
  ]
    .map(refusingClashes(payments))
    .map((surface) => ({ ...surface, witness: requestsOnRecord(payments) }));

export const implementSuite = (payments: Payments) => [
  answerG2pSuite(payments),
  answerVoucherSuite(payments),
];
