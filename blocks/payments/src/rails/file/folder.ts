import { lstat, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { openCases } from '../../cases/cases.ts';
import type { Payments } from '../../payments-context.ts';
import type { Rail } from '../port.ts';
import { listRails } from '../registry.ts';
import { fetchFile, loadStatusReport } from './files.ts';
import type { FileRailSettings } from './settings.ts';

const largest = 8 * 1024 * 1024;
/** Milliseconds for which a file lies untouched before it is taken: until then it may still be written. */
const settled = 1500;
const actor = 'payments/rail-folder';

/** A rail's own folder; `.` and `..` are no names of folders. */
const folderOf = (root: string, rail: Rail): string => join(root, `rail-${rail.id}`);

/**
 * Puts the next order that waits into `out`, under its MsgId; no other node puts it there meanwhile. It appears whole or
 * not at all; after a crash it may appear once more with the same content and MsgId, by which a bank knows it.
 */
const putOrder = (payments: Payments, rail: Rail, folder: string): Promise<boolean> =>
  transaction(payments.db, async (trx) => {
    const { rows } = await sql<{ id: string }>`
      select id
      from rail_file
      where rail_id = ${rail.id} and direction = 'out' and fetched_at is null
      order by id
      limit 1
      for update skip locked`.execute(trx);
    const [next] = rows;
    if (!next) return false;
    const { name, content } = await fetchFile(payments, trx, rail.id, next.id, actor);
    const partial = join(folder, `.${name}.${process.pid}`);
    await writeFile(partial, content, { flush: true, mode: 0o600 });
    await rename(partial, join(folder, 'out', name));
    return true;
  });

/** Loads a report that lies in `in` and moves it to `loaded`, or to `refused` with a case. */
async function takeReport(payments: Payments, rail: Rail, folder: string, name: string): Promise<boolean> {
  const path = join(folder, 'in', name);
  const { size, mtimeMs } = await lstat(path);
  if (Date.now() - mtimeMs < settled) return false;
  let goal = 'loaded';
  try {
    if (size > largest) throw new Problem(413, 'The file is too large');
    await loadStatusReport(payments, rail, await readFile(path), actor);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    goal = 'refused';
    await openCases(payments.db, [
      {
        kind: 'rail-file-refused',
        key: `${rail.id}/${name}/${size}`,
        railId: rail.id,
        detail: `A file of the rail cannot be taken: ${error.message}`,
      },
    ]);
  }
  await rename(path, join(folder, goal, name));
  return true;
}

/** Exchanges files with the folders of rails that are reached that way. Answers whether there were any. */
export async function exchangeNext(payments: Payments): Promise<boolean> {
  const root = payments.config.railFolder;
  if (root === '') return false;
  let worked = false;
  for (const rail of await listRails(payments.db)) {
    if (rail.adapter !== 'file' || (rail.settings as FileRailSettings).delivery !== 'folder') continue;
    const folder = folderOf(root, rail);
    for (const name of ['in', 'out', 'loaded', 'refused'])
      await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
    for (let put = 0; put < 20 && (await putOrder(payments, rail, folder)); put += 1) worked = true;
    const reports = (await readdir(join(folder, 'in'), { withFileTypes: true }))
      .filter((entry) => entry.isFile() && /^[^.].*\.xml$/i.test(entry.name))
      .map((entry) => entry.name)
      .sort()
      .slice(0, 20);
    for (const name of reports) worked = (await takeReport(payments, rail, folder, name)) || worked;
  }
  return worked;
}
