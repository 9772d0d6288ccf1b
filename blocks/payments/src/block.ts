import { defineBlock, implement, type JobSpec, memberOf } from '@govstack/platform';
import { dispatchHandlers } from './api/admin/dispatch-handlers.ts';
import { figureHandlers } from './api/admin/figure-handlers.ts';
import { ledgerHandlers } from './api/admin/ledger-handlers.ts';
import { runHandlers } from './api/admin/run-handlers.ts';
import { settingsHandlers } from './api/admin/settings-handlers.ts';
import { answerVoucherSuite } from './api/compliance/vouchers-handlers.ts';
import { suiteRail } from './api/compliance/vouchers-rail.ts';
import { seedVouchers, suiteRailId } from './api/compliance/vouchers-seed.ts';
import { batchHandlers } from './api/g2p/batch-handlers.ts';
import { mapperHandlers } from './api/g2p/mapper-handlers.ts';
import { gsmaCallbackHandlers } from './api/gsma-callback/handlers.ts';
import {
  batchAwaitingApproval,
  batchCompleted,
  g2p,
  gsmaCallback,
  paymentsAdmin,
  railCallback,
  railFiles,
  voucherAdmin,
  voucherRedeemed,
  voucherStockLow,
  vouchers,
} from './api/operations.ts';
import { railCallbackHandlers } from './api/rail-callback/handlers.ts';
import { railFileHandlers } from './api/rail-files/handlers.ts';
import { voucherAdminHandlers } from './api/voucher-admin/handlers.ts';
import { voucherHandlers } from './api/vouchers/handlers.ts';
import { authoriseNext } from './batches/authorise.ts';
import { splitNext } from './batches/split.ts';
import { validateNext } from './batches/validate.ts';
import { deliverNext } from './callbacks/deliver.ts';
import { loadSigner, type Signer } from './callbacks/signing.ts';
import { openCases } from './cases/cases.ts';
import { PaymentsConfig } from './config.ts';
import { askNext } from './dispatch/ask.ts';
import { createEngine } from './dispatch/engine.ts';
import { createRailTraffic } from './dispatch/rail-traffic.ts';
import { sendNext } from './dispatch/send.ts';
import { checkInvariants } from './ledger/invariants.ts';
import { sealTransfers } from './ledger/seal.ts';
import { currencyTable } from './money/currency.ts';
import type { Payments } from './payments-context.ts';
import { adapterOf } from './rails/registry.ts';
import type { PaymentsTables } from './tables.ts';
import { createVault } from './vault/vault.ts';
import { dueNext } from './vouchers/due.ts';
import { resealNext } from './vouchers/keys.ts';
import { redemptionNext } from './vouchers/send.ts';

/** Seals the books and checks them; a broken invariant is a case and an error in the log. */
const bookkeeping = (payments: Payments): JobSpec => ({
  name: 'bookkeeping',
  schedule: { cron: '*/5 * * * *', timeZone: 'UTC' },
  retryLimit: 0,
  async handle() {
    await sealTransfers(payments.db);
    const broken = (await checkInvariants(payments.db)).filter((result) => !result.holds);
    if (broken.length === 0) return;
    payments.ctx.log.error({ invariants: broken.map((result) => result.id) }, 'the books are not right');
    await openCases(
      payments.db,
      broken.map((result) => ({
        kind: 'invariant-broken' as const,
        key: `${result.id}/${payments.ctx.now().toISOString().slice(0, 10)}`,
        detail: `${result.id}: ${result.statement}: ${result.violations} violations`,
      })),
    );
  },
});

/** The payments building block: account mapper, bulk payments, double-entry ledger, payer rails. */
export const payments = defineBlock({
  name: 'payments',
  title: 'Payments',
  version: '0.1.0',
  surfaces: [g2p, paymentsAdmin, railCallback, vouchers, voucherAdmin, gsmaCallback, railFiles],
  config: PaymentsConfig,
  migrations: new URL('../migrations/', import.meta.url),
  emits: [batchAwaitingApproval, batchCompleted, voucherStockLow, voucherRedeemed],
  async start(ctx) {
    const { config } = ctx;
    const shared: Payments = {
      ctx,
      config,
      db: ctx.database<PaymentsTables>(),
      vault: createVault(ctx.secret),
      keyVault: createVault((purpose) => ctx.secret(`voucher-keys/${purpose}`)),
      payoutAdapter: (rail) =>
        ctx.profile === 'compliance' && rail.id === suiteRailId ? suiteRail : adapterOf(rail),
      currencies: currencyTable(config.currencies),
      treasury: config.treasury === '' ? memberOf(ctx.application) : config.treasury,
      wake: () => engine.wake(),
    };
    let signing: Promise<Signer> | undefined;
    const signer = (): Promise<Signer> => {
      signing ??= loadSigner(shared).catch((error: unknown) => {
        signing = undefined;
        throw error;
      });
      return signing;
    };
    const traffic = createRailTraffic(shared.db, config.railRestSeconds);
    const engine = createEngine(
      [
        { name: 'validate', lanes: 1, step: () => validateNext(shared) },
        { name: 'authorise', lanes: 1, step: () => authoriseNext(shared) },
        { name: 'split', lanes: 1, step: () => splitNext(shared) },
        { name: 'send', lanes: config.dispatchWorkers, step: () => sendNext(shared, traffic) },
        { name: 'ask', lanes: 1, step: () => askNext(shared) },
        { name: 'redemptions', lanes: 2, step: () => redemptionNext(shared) },
        { name: 'vouchers-due', lanes: 1, step: () => dueNext(shared) },
        { name: 'voucher-keys', lanes: 1, step: () => resealNext(shared) },
        { name: 'callbacks', lanes: 2, step: () => deliverNext(shared, signer) },
      ],
      config.pollSeconds * 1000,
      ctx.log,
    );
    if (ctx.profile === 'compliance') await seedVouchers(shared);
    return {
      surfaces: [
        ...(ctx.profile === 'compliance' ? [answerVoucherSuite(shared)] : []),
        implement(g2p, { ...mapperHandlers(shared), ...batchHandlers(shared) }),
        implement(paymentsAdmin, {
          ...settingsHandlers(shared),
          ...runHandlers(shared),
          ...figureHandlers(shared),
          ...ledgerHandlers(shared, signer),
          ...dispatchHandlers(shared),
        }),
        implement(railCallback, railCallbackHandlers(shared)),
        implement(vouchers, voucherHandlers(shared)),
        implement(voucherAdmin, voucherAdminHandlers(shared)),
        implement(gsmaCallback, gsmaCallbackHandlers(shared)),
        implement(railFiles, railFileHandlers(shared)),
      ],
      jobs: config.workers ? [bookkeeping(shared)] : [],
      ready: async () => {
        if (config.workers) engine.start();
      },
      stop: () => engine.stop(),
    };
  },
});
