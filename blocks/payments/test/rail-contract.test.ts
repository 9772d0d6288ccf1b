import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adapters } from '../src/rails/registry.ts';
import { fileBank, fileService } from './fixtures/file-bank.ts';
import { forwardWithHeaders, gsmaService, startGsmaProvider } from './fixtures/gsma-provider.ts';
import { handBank, handService } from './fixtures/hand-bank.ts';
import type { Fate, Transfer } from './fixtures/rail.ts';
import {
  approve,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  payees,
  reaches,
  startTreasury,
  type Treasury,
  walletService,
} from './fixtures/treasury.ts';

/** What the kit needs of the institution behind an adapter, whatever it is: a program over HTTP, or people with files or lists. */
interface Institution {
  readonly credited: ReadonlyMap<string, Transfer & { times: number }>;
  fate: (transfer: Transfer) => Fate;
  /** Does what happens without our asking: nothing, for one that only answers. */
  work(): Promise<void>;
}

interface Kit {
  readonly service: string;
  readonly modality: '00' | '01';
  readonly settings?: Record<string, unknown>;
  readonly institution: () => Institution;
  /** Outcomes that the rail itself can give. Files are not refused for now nor lost: they wait. */
  readonly pendingIsQuiet: boolean;
}

let t: Treasury;
let provider: Awaited<ReturnType<typeof startGsmaProvider>>;
let fileInstitution: ReturnType<typeof fileBank>;
let handInstitution: ReturnType<typeof handBank>;
const passive = (rail: Omit<Institution, 'work'>): Institution =>
  Object.assign(rail, { work: async () => undefined });

/** Every adapter that has others move money is tried; a new one needs an entry here. */
const kits: Readonly<Record<string, Kit>> = {
  bank: { service: bankService, modality: '00', institution: () => passive(t.bank), pendingIsQuiet: false },
  'mobile-money': {
    service: walletService,
    modality: '01',
    institution: () => passive(t.wallets),
    pendingIsQuiet: false,
  },
  gsma: {
    service: gsmaService,
    modality: '01',
    institution: () => passive(provider),
    pendingIsQuiet: false,
  },
  file: {
    service: fileService,
    modality: '00',
    settings: { initiatingParty: 'Treasury', debtorAgent: 'TREAUS33' },
    institution: () => fileInstitution,
    pendingIsQuiet: true,
  },
  'by-hand': {
    service: handService,
    modality: '00',
    institution: () => handInstitution,
    pendingIsQuiet: true,
  },
};

beforeAll(async () => {
  provider = await startGsmaProvider();
  t = await startTreasury(
    {},
    { providers: { [gsmaService]: (request) => forwardWithHeaders(provider.url, request) } },
  );
  fileInstitution = fileBank(t.node, 'tried');
  handInstitution = handBank(t.node);
});
afterAll(async () => {
  await t.stop();
  await provider.stop();
});

it('[PAY-5.1.11][PAY-6.5-a] every adapter that has others move money is tried here', () => {
  const moving = Object.entries(adapters).filter(([, one]) => !one.givesVouchers);
  expect(Object.keys(kits).sort()).toEqual(moving.map(([name]) => name).sort());
});

describe.each(Object.entries(kits))('a rail with the adapter %s', (adapter, kit) => {
  let institution: Institution;
  beforeAll(async () => {
    institution = kit.institution();
    for (const { railId } of (await t.admin.listRails({})).body.items) {
      if (railId === 'tried') continue;
      const service = railId === 'bank' ? bankService : walletService;
      // Only the tried rail takes payments of these payees; `bank` still authorises runs.
      await t.admin.putRail({
        params: { railId },
        body: { adapter: 'bank', service, name: railId, modalities: ['04'], currencies: ['USD'] },
      });
    }
    await t.admin.putRail({
      params: { railId: 'tried' },
      body: {
        adapter,
        service: kit.service,
        name: 'Tried',
        modalities: [kit.modality],
        currencies: ['USD'],
        isDefault: true,
        batchSize: 3,
        concurrency: 2,
        debtorAccount: 'FLOAT-0001',
        ...(kit.settings === undefined ? {} : { settings: kit.settings }),
      },
    });
  });

  const people = async (count: number): Promise<string[]> =>
    (await payees(t.node, count * 2)).filter((_, index) => index % 2 === Number(kit.modality));
  /** Pays while the institution works, and waits for the end. */
  async function pay(count: number, amount: string, fate: (transfer: Transfer) => Fate = () => 'completed') {
    institution.fate = fate;
    const batchId = await handOver(t.node, await people(count), { amount });
    await approve(t.node, batchId);
    await expect
      .poll(
        async () => {
          await institution.work();
          return over.includes((await t.admin.getBatch({ params: { batchId } })).body.state);
        },
        { timeout: 30_000, interval: 100 },
      )
      .toBe(true);
    institution.fate = () => 'completed';
    return { run: await reaches(t.node, batchId, ...over), rows: await instructionsOf(t.node, batchId) };
  }
  const firstTime = (fate: Fate) => {
    const seen = new Set<string>();
    return ({ reference }: Transfer): Fate => {
      if (seen.has(reference)) return 'completed';
      seen.add(reference);
      return fate;
    };
  };

  it('[PAY-6.5-b][PAY-9.1.3-b] pays each payee the exact amount, once, and says so of each', async () => {
    const { run, rows } = await pay(4, '3.01');
    expect(run.state).toBe('completed');
    for (const row of rows) {
      expect(row).toMatchObject({ rail: 'tried', state: 'completed', isoStatus: 'ACCC' });
      expect(institution.credited.get(row.instructionId)).toMatchObject({ amount: '3.01' });
    }
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.5-c][PAY-6.1-aa] refuses a payee with a reason, and only that one', async () => {
    let refused = '';
    const { run, rows } = await pay(3, '3.02', ({ reference }) => {
      refused ||= reference;
      return reference === refused ? { rejected: 'AC04' } : 'completed';
    });
    expect(run.state).toBe('partially-completed');
    const failed = rows.filter((row) => row.state !== 'completed');
    expect(failed).toMatchObject([{ state: 'failed', isoStatus: 'RJCT', reasonCode: 'AC04' }]);
    expect(institution.credited.has(refused)).toBe(false);
  });

  it.each([
    'busy',
    'silent',
    'lost',
  ] as const)('[PAY-6.1-c][PAY-5.3.1-k] is %s the first time: everybody is paid in the end, once', async (fate) => {
    const amount = { busy: '3.03', silent: '3.04', lost: '3.05' }[fate];
    const { run, rows } = await pay(4, amount, firstTime(fate));
    expect(run.state).toBe('completed');
    for (const row of rows) {
      expect(institution.credited.get(row.instructionId)?.amount).toBe(amount);
      const { body } = await t.admin.getInstruction({ params: { instructionId: row.instructionId } });
      // A rail of files never lets a payment fail or leave again for want of an answer.
      if (kit.pendingIsQuiet) expect(body.attempts).toHaveLength(1);
      expect(body.attempts.filter((attempt) => attempt.state === 'succeeded')).toHaveLength(1);
    }
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] is asked what became of a payment, and its word counts', async () => {
    institution.fate = () => 'silent';
    const batchId = await handOver(t.node, await people(1), { amount: '3.06' });
    await approve(t.node, batchId);
    await expect
      .poll(async () => (await instructionsOf(t.node, batchId))[0]?.state)
      .toMatch(/submitted|unknown|completed/);
    institution.fate = () => 'completed';
    await expect
      .poll(
        async () => {
          await institution.work();
          const [row] = await instructionsOf(t.node, batchId);
          if (row?.state === 'completed') return 'completed';
          await t.admin
            .askRail({ params: { instructionId: row?.instructionId as string } })
            .catch(() => undefined);
          return row?.state;
        },
        { timeout: 30_000, interval: 100 },
      )
      .toBe('completed');
    const [row] = await instructionsOf(t.node, batchId);
    expect(institution.credited.get(row?.instructionId as string)?.amount).toBe('3.06');
  });

  it('[PAY-6.5-a] refuses settings that are not its adapter’s, and changes nothing', async () => {
    const put = t.admin.putRail({
      params: { railId: 'tried' },
      body: {
        adapter,
        service: kit.service,
        name: 'Changed',
        modalities: [kit.modality],
        currencies: ['USD'],
        settings: { colour: 'red' },
      },
    });
    await expect(put).rejects.toMatchObject({ status: 400 });
    const { items } = (await t.admin.listRails({})).body;
    expect(items.find((one) => one.railId === 'tried')?.name).toBe('Tried');
  });
});

it('[PAY-6.5-a] an adapter that is not there is refused', async () => {
  const put = t.admin.putRail({
    params: { railId: 'nothing' },
    body: {
      adapter: 'constructor',
      service: bankService,
      name: 'X',
      modalities: ['00'],
      currencies: ['USD'],
    },
  });
  await expect(put).rejects.toMatchObject({ status: 400 });
});
