/**
 * One run from hand-over to the last message to its source: on a PostgreSQL with durable commits, through the block as
 * it runs, with a rail in the same process that answers at once. Says for each stage how many payees a second it takes,
 * how much memory the process needs, how long a small call takes meanwhile, and whether the books are right afterwards;
 * beside it the bare posting of the same rows, and payments one by one.
 *
 *   node_modules/.bin/node blocks/payments/bench/pipeline.ts [PAYEES, 100000] [SUB-BATCH, 1000] [LANES, 4]
 */
import { cpus, loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { checkInvariants } from '../src/ledger/invariants.ts';
import { sealTransfers } from '../src/ledger/seal.ts';
import { postBarely, postOneByOne } from './pipeline/floor.ts';
import { startStage } from './pipeline/stage.ts';
import { databaseSeconds, percentile, startProbe, watchMemory } from './pipeline/watch.ts';

const [payees = 100_000, subBatchSize = 1000, lanes = 4] = process.argv.slice(2).map(Number);
const load = () => loadavg()[0]?.toFixed(1);
const figure = (value: number): string => Math.round(value).toLocaleString('en');
const before = load();
const stage = await startStage({ subBatchSize, dispatchWorkers: lanes, maximumInstructions: 100_000 });
const stages: {
  readonly name: string;
  readonly ms: number;
  readonly own: number;
  readonly database: number;
}[] = [];
/** Microseconds of processor time. */
const spent = () => {
  const { user, system } = process.cpuUsage();
  return { own: user + system, database: databaseSeconds(stage.server.directory) * 1e6 };
};

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const from = spent();
  const result = await work();
  const ms = performance.now() - started;
  const to = spent();
  stages.push({ name, ms, own: to.own - from.own, database: to.database - from.database });
  process.stderr.write(
    `${name}: ${figure(ms)} ms, of the block ${figure((to.own - from.own) / 1000)} ms, of the database ${figure((to.database - from.database) / 1000)} ms\n`,
  );
  return result;
}

const payee = (index: number): string => `P-${String(index).padStart(9, '0')}`;

async function register(): Promise<void> {
  const size = 20_000;
  for (let from = 0; from < payees; from += size)
    await stage.api.registerBeneficiary({
      headers: {},
      body: {
        requestID: `r-${from}`,
        beneficiaries: Array.from({ length: Math.min(size, payees - from) }, (_, index) => ({
          payeeIdentity: payee(from + index),
          paymentModality: '00',
          bankingInstitutionCode: 'BENCHXXX',
          financialAddress: String(from + index).padStart(12, '0'),
        })),
      },
    });
}

/** Waits until every batch has come through a state; answers the ids of the batches. */
async function allReach(submissionId: string, ...states: string[]): Promise<string[]> {
  for (;;) {
    const { rows } = await sql<{ id: string; state: string; whole: boolean }>`
      select b.id, b.state, s.state = 'split' as whole
      from submission s
      join batch b on b.submission_id = s.id
      where s.id = ${submissionId}`.execute(stage.db);
    if (rows.some((row) => ['held', 'rejected', 'failed'].includes(row.state)))
      throw new Error('a batch is not paid');
    if (rows[0]?.whole && rows.every((row) => states.includes(row.state))) return rows.map((row) => row.id);
    await delay(20);
  }
}

/** The whole body: in memory before the run, as it comes through a mediator. */
function lines(): Buffer {
  const parts: string[] = [];
  for (let index = 0; index < payees; index += 1)
    parts.push(
      `{"requestId":"i-${index}","creditParty":[{"key":"functionalId","value":"${payee(index)}"}],"amount":"12.50","currency":"USD"}\n`,
    );
  return Buffer.from(parts.join(''));
}

async function pay(body: Buffer): Promise<string> {
  const submissionId = await timed('hand over', async () => {
    const answer = await stage.api.submitInstructions({
      timeout: 3_600_000,
      headers: { 'x-correlationid': 'run-1', 'x-program-id': stage.programme.programmeId },
      body,
    });
    return answer.body.submissionId;
  });
  const batches = await timed('split into batches, validate', () =>
    allReach(submissionId, 'awaiting-approval'),
  );
  const personToken = await stage.approver();
  await timed('approve', async () => {
    for (const batchId of batches) {
      const { body: run } = await stage.admin.getBatch({ params: { batchId } });
      await stage.admin.approveBatch({
        params: { batchId },
        body: { contentHash: run.contentHash ?? '' },
        personToken,
      });
    }
  });
  await timed('authorise, split, dispatch', () => allReach(submissionId, 'completed', 'partially-completed'));
  await timed('last message', async () => {
    while (stage.told.filter((one) => one.body.ongoing === 0).length < batches.length) await delay(5);
  });
  return submissionId;
}

/** What the database spent its time on, for whoever wants to make it faster. */
async function profile(): Promise<void> {
  const { rows } = await sql<{ ms: number; calls: string; query: string }>`
    select round(total_exec_time) as ms, calls, regexp_replace(query, '\\s+', ' ', 'g') as query
    from pg_stat_statements order by total_exec_time desc limit 40`.execute(stage.statistics);
  const tables = await sql<Record<string, string>>`
    select relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_newpage_upd, pg_relation_size(relid) / 1024 as kb,
      pg_indexes_size(relid) / 1024 as index_kb
    from pg_stat_user_tables where n_tup_ins > 1000`.execute(stage.db);
  for (const row of tables.rows) process.stderr.write(`${JSON.stringify(row)}\n`);
  for (const row of rows)
    process.stderr.write(`${row.ms} ms, ${row.calls} times: ${row.query.slice(0, 150)}\n`);
}

try {
  await timed('register payees', register);
  const small = () =>
    stage.api.getBeneficiary({ query: { payeeIdentity: payee(0), requestId: 'q' }, headers: {} });
  for (let n = 0; n < 50; n += 1) await small();
  const idle = startProbe(small);
  await delay(3_000);
  const quiet = await idle.stop();
  const body = lines();
  const busy = startProbe(small);
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const memory = watchMemory();
  const started = performance.now();
  const submissionId = await pay(body);
  const whole = performance.now() - started;
  loop.disable();
  const most = memory.stop();
  const during = await busy.stop();
  if (process.env.PROFILE) await profile();
  const sealing = performance.now();
  await sealTransfers(stage.db);
  const checking = performance.now();
  const broken = (await checkInvariants(stage.db)).filter((one) => !one.holds);
  const checked = performance.now();
  if (broken.length > 0)
    throw new Error(`the books are not right: ${broken.map((one) => one.id).join(', ')}`);
  const { rows } = await sql<{
    transfers: string;
  }>`select count(*) as transfers from ledger_transfer`.execute(stage.db);
  const after = load();
  await sql`checkpoint`.execute(stage.statistics);
  const from = spent().database;
  const bareRate = await postBarely(stage.db, submissionId, lanes);
  const bare = { rate: bareRate, database: ((spent().database - from) / payees).toFixed(1) };
  const single = await postOneByOne(stage.db, Math.min(payees, 3000), lanes);
  const ours = stages.filter(({ name }) => /validate|dispatch/.test(name));
  const rate = payees / (ours.reduce((sum, { ms }) => sum + ms, 0) / 1000);
  const total = (of: 'own' | 'database') => (ours.reduce((sum, one) => sum + one[of], 0) / payees).toFixed(1);
  process.stdout.write(
    [
      `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}, durable commits; ${figure(payees)} payees, sub-batches of ${subBatchSize}, ${lanes} at a time; load ${before} before, ${after} after`,
      '',
      '| stage | seconds | payees/s | µs of processor a payee: block | database |',
      '|---|---:|---:|---:|---:|',
      ...stages.map(
        ({ name, ms, own, database }) =>
          `| ${name} | ${(ms / 1000).toFixed(2)} | ${figure(payees / (ms / 1000))} | ${(own / payees).toFixed(1)} | ${(database / payees).toFixed(1)} |`,
      ),
      `| hand-over to last message | ${(whole / 1000).toFixed(2)} | ${figure(payees / (whole / 1000))} | | |`,
      `| validation, split, dispatch | ${(payees / rate).toFixed(2)} | ${figure(rate)} | ${total('own')} | ${total('database')} |`,
      `| bare posting of the same rows | | ${figure(bare.rate)} | | ${bare.database} |`,
      `| payments one by one | | ${figure(single)} | | |`,
      '',
      `share of the bare posting: ${Math.round((rate / bare.rate) * 100)} %; times payments one by one: ${(rate / single).toFixed(1)}`,
      `small call, p50 / p95 / p99 ms: idle ${[0.5, 0.95, 0.99].map((share) => percentile(quiet, share).toFixed(1)).join(' / ')}; during the run ${[0.5, 0.95, 0.99].map((share) => percentile(during, share).toFixed(1)).join(' / ')} (${during.length} calls)`,
      `the process was busy otherwise for, p50 / p95 / p99 / most ms: ${[50, 95, 99, 100].map((share) => (loop.percentile(share) / 1e6).toFixed(1)).join(' / ')}`,
      `most memory: ${figure(most / 1024 / 1024)} MiB`,
      `sealing ${figure(checking - sealing)} ms, all invariants hold over ${figure(Number(rows[0]?.transfers))} transfers, checked in ${figure(checked - checking)} ms`,
      '',
    ].join('\n'),
  );
} finally {
  await stage.stop();
}
