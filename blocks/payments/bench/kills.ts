/**
 * A run that is paid by workers which are killed again and again (SIGKILL) at random moments, over rails of which some
 * answers are lost. Counts afterwards who was paid how often, whether every unknown was resolved, and whether the books
 * are right.
 *
 *   node_modules/.bin/node blocks/payments/bench/kills.ts [KILLS, 200] [PAYEES, 10000] [SEED]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { checkInvariants } from '../src/ledger/invariants.ts';
import { startRail } from '../test/fixtures/rail.ts';
import { startStage } from './pipeline/stage.ts';

const [kills = 200, payees = 10_000, seed = randomBytes(4).readUInt32BE()] = process.argv
  .slice(2)
  .map(Number);

/** Numbers from a seed, so that a run can be had again as far as the machine allows (xorshift). */
let state = seed || 1;
const random = (): number => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
};

const rail = await startRail();
// The answer to one transfer in five thousand is lost, with it that to all of its sub-batch.
const lost = new Set<string>();
rail.fate = ({ reference }) => {
  if (lost.has(reference) || random() > 1 / 5000) return 'completed';
  lost.add(reference);
  return 'silent';
};

const stage = await startStage({ workers: false, subBatchSize: 50, maximumInstructions: 2_000 });
const program = fileURLToPath(new URL('kills/worker.ts', import.meta.url));
const startWorker = async (): Promise<ChildProcess> => {
  const child = spawn(
    process.execPath,
    [program, stage.server.adminUrl, stage.databasePrefix, stage.secret.toString('hex'), rail.url],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
};

try {
  const ids = Array.from({ length: payees }, (_, index) => `P-${String(index).padStart(9, '0')}`);
  await stage.api.registerBeneficiary({
    headers: {},
    body: {
      requestID: 'r-1',
      beneficiaries: ids.map((payeeIdentity, index) => ({
        payeeIdentity,
        paymentModality: '00',
        financialAddress: String(index).padStart(12, '0'),
      })),
    },
  });
  await stage.admin.setAutoApproveLimit({
    params: { sourceId: stage.programme.sourceId },
    body: { limit: '900000000.00', currency: 'USD' },
    personToken: await stage.administrator(),
  });
  const { body } = await stage.api.submitInstructions({
    headers: { 'x-correlationid': 'run-1', 'x-program-id': stage.programme.programmeId },
    body: Buffer.from(
      ids
        .map((value, index) =>
          JSON.stringify({
            requestId: `i-${index}`,
            creditParty: [{ key: 'functionalId', value }],
            amount: '12.50',
            currency: 'USD',
          }),
        )
        .join('\n'),
    ),
  });
  const open = async (): Promise<number> => {
    const { rows } = await sql<{ open: string }>`
      select
        (select count(*) from submission_row)
        + (select count(*) from batch where state not in ('completed', 'partially-completed', 'failed')) as open`.execute(
      stage.db,
    );
    return Number(rows[0]?.open);
  };
  let done = 0;
  let idle = 0;
  const started = performance.now();
  while (done < kills) {
    const worker = await startWorker();
    if ((await open()) === 0) idle += 1;
    await delay(20 + random() * 1500);
    const exited = once(worker, 'exit');
    worker.kill('SIGKILL');
    await exited;
    done += 1;
    if (done % 20 === 0)
      process.stderr.write(
        `${done} killed, ${rail.credited.size} of ${payees} credited, ${await open()} open\n`,
      );
  }
  const worker = await startWorker();
  while ((await open()) > 0) await delay(100);
  const exited = once(worker, 'exit');
  worker.kill('SIGTERM');
  await exited;
  const { rows } = await sql<{ state: string; count: string }>`
    select i.state, count(*) as count
    from instruction i join batch b on b.id = i.batch_id
    where b.submission_id = ${body.submissionId}
    group by i.state`.execute(stage.db);
  const { rows: doubts } = await sql<{ doubted: string; left: string }>`
    select
      (select count(distinct instruction_id) from instruction_event where to_state = 'unknown') as doubted,
      (select count(*) from attempt where state in ('open', 'unknown')) as left`.execute(stage.db);
  const addresses = new Map<string, number>();
  for (const one of rail.credited.values()) addresses.set(one.address, (addresses.get(one.address) ?? 0) + 1);
  const broken = (await checkInvariants(stage.db)).filter((one) => !one.holds);
  process.stdout.write(
    [
      `${kills} kills (${idle} of workers with nothing left to do), ${payees} payees, seed ${seed}, ${Math.round((performance.now() - started) / 1000)} s, load ${loadavg()[0]?.toFixed(1)}`,
      `instructions: ${rows.map((row) => `${row.state} ${row.count}`).join(', ')}`,
      `lost: ${payees - addresses.size}, doubled: ${[...addresses.values()].filter((times) => times > 1).length}, sent again under the same reference: ${[...rail.credited.values()].filter((one) => one.times > 1).length}`,
      `unknown for a while: ${doubts[0]?.doubted}, unresolved: ${doubts[0]?.left}`,
      `invariants broken: ${broken.map((one) => one.id).join(', ') || 0}`,
      '',
    ].join('\n'),
  );
} finally {
  await rail.stop();
  await stage.stop();
}
