/**
 * Import and export of a registry beside the floor: the same file through COPY straight into, and out of, a table of
 * the same columns and indexes. The block reads, validates, stages, checks, writes records and their history with
 * digests. CPU time is of the serving process and of PostgreSQL together; it stands for one core.
 *
 *   node_modules/.bin/node blocks/digital-registries/bench/transfer.ts [RECORDS]
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { record, schema } from './records/registry.ts';
import { startBench } from './records/start.ts';

const [records = 100_000] = process.argv.slice(2).map(Number);
const { child, block, bytes, database, publish, answer, stop } = await startBench(4);
const transfer = (method: string, path: string, body?: unknown) =>
  block('registry-transfer-v1', method, path, body) as Promise<Record<string, unknown>>;

const partBytes = 4 * 1024 * 1024;
/** The file in parts. `badEach`: every so many rows one breaks a rule. */
function* partsOfFile(badEach: number): Generator<Buffer> {
  let text = `${Object.keys(record(1)).join(',')}\n`;
  for (let n = 1; n <= records; n += 1) {
    const row = record(n);
    text += `${Object.values(n % badEach === 0 ? { ...row, householdSize: 0 } : row).join(',')}\n`;
    if (text.length < partBytes) continue;
    yield Buffer.from(text.slice(0, partBytes));
    text = text.slice(partBytes);
  }
  yield Buffer.from(text);
}

/** Seconds of processor that the serving process and PostgreSQL have used until now. */
function cpuSeconds(): number {
  let ticks = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(pid) === child.pid || /\(postgres\)/.test(stat))
        ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has ended meanwhile.
    }
  return ticks / 100;
}

const table: Record<string, object> = {};
async function timed(name: string, work: () => Promise<object | undefined>): Promise<void> {
  await database.pool.query('checkpoint').catch(() => undefined);
  const [cpu, began] = [cpuSeconds(), performance.now()];
  const more = await work();
  const seconds = (performance.now() - began) / 1000;
  table[name] = {
    seconds: Number(seconds.toFixed(1)),
    'records/s': Math.round(records / seconds),
    'records/s and core': Math.round(records / (cpuSeconds() - cpu)),
    ...more,
  };
}

async function importInto(code: string, mode: string, badEach: number): Promise<object> {
  await publish(code, schema(false));
  const { id } = await transfer('POST', '/imports', { registry: code, format: 'csv', mode });
  let parts = 0;
  for (const part of partsOfFile(badEach)) {
    parts += 1;
    await bytes('registry-transfer-v1', 'PUT', `/imports/${id}/parts/${parts}`, part);
  }
  const phases: Record<string, number> = {};
  let memory = 0;
  await timed(`import, ${mode}${badEach > records ? '' : ', 1 % bad'}`, async () => {
    await transfer('POST', `/imports/${id}/start`, { parts });
    for (;;) {
      const { state, rowsFaulty } = await transfer('GET', `/imports/${id}`);
      if (['finished', 'failed', 'refused'].includes(state as string)) {
        if (state !== 'finished') throw new Error(`the import ended ${state}`);
        return {
          faulty: rowsFaulty,
          'read/check/write s': ['reading', 'checking', 'writing']
            .map((phase) => ((phases[phase] ?? 0) / 1000).toFixed(1))
            .join(' / '),
          'server MiB': Math.round(memory),
        };
      }
      phases[state as string] = (phases[state as string] ?? 0) + 100;
      memory = Math.max(memory, (await answer<{ rss: number }>({ rss: true })).rss / 1_048_576);
      await delay(100);
    }
  });
  return phases;
}

console.log(`${records} records of 20 fields, ${cpus().length} × ${cpus()[0]?.model}`);
await publish('floor', schema(false));
const columns = Array.from({ length: 20 }, (_, index) => `f_${index + 1}`).join(', ');
await database.pool.query(
  "alter table reg.r_1 alter uuid set default gen_random_uuid(), alter no set default gen_random_uuid()::text, alter schema_version set default '1.0', alter created_at set default now(), alter modified_at set default now()",
);
await timed('floor: COPY into the table', async () => {
  const client = await database.pool.connect();
  const stream = client.query(copyFrom(`copy reg.r_1 (${columns}) from stdin (format csv, header)`));
  for (const part of partsOfFile(Number.POSITIVE_INFINITY))
    if (!stream.write(part)) await once(stream, 'drain');
  stream.end();
  await once(stream, 'finish');
  client.release();
  return undefined;
});
await importInto('all', 'all-or-nothing', Number.POSITIVE_INFINITY);
await importInto('good', 'good-rows', 100);
await timed('floor: COPY out of the table', async () => {
  const client = await database.pool.connect();
  let size = 0;
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done();
    },
  });
  await pipeline(
    client.query(copyTo(`copy (select ${columns} from reg.r_2) to stdout (format csv, header)`)),
    out,
  );
  client.release();
  return { MiB: Math.round(size / 1_048_576) };
});
await timed('export as CSV', async () => {
  const { id } = await transfer('POST', '/exports', { registry: 'all', format: 'csv' });
  for (;;) {
    const { state, parts } = await transfer('GET', `/exports/${id}`);
    if (state === 'finished') {
      let size = 0;
      for (let part = 1; part <= Number(parts); part += 1)
        size += (await bytes('registry-transfer-v1', 'GET', `/exports/${id}/parts/${part}`)).length;
      return { MiB: Math.round(size / 1_048_576) };
    }
    if (state !== 'waiting' && state !== 'working') throw new Error(`the export ended ${state}`);
    await delay(100);
  }
});
console.table(table);
await stop();
