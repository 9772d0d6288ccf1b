import {
  applicationOf,
  badRequest,
  type Caller,
  conflict,
  type ImplementedSurface,
  implement,
  type Jobs,
  notFound,
  once,
  type Person,
  Problem,
} from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { DataMethod, Gate, Granted, Reader } from '../../access/access.ts';
import type { SubjectHash } from '../../history/read-log.ts';
import type { RegistryTables } from '../../tables.ts';
import {
  cancelledExport,
  createExport,
  type ExportRow,
  exportAtOnce,
  findExport,
  listExports,
} from '../../transfer/exports.ts';
import { mediaTypes } from '../../transfer/file-writer.ts';
import { importable } from '../../transfer/importable.ts';
import {
  assertMapping,
  cancelledImport,
  createImport,
  findImport,
  type ImportRow,
  listImports,
  mappingOf,
  move,
  optionsOf,
  readyImport,
  reportPart,
  resumedImport,
  undoneImport,
} from '../../transfer/imports.ts';
import { exportJob, importJob } from '../../transfer/jobs.ts';
import { partsOf, putPart, readPart } from '../../transfer/parts.ts';
import { previewOf } from '../../transfer/preview.ts';
import { readReport } from '../../transfer/report.ts';
import { readerOf } from '../reader-of.ts';
import { registryTransfer } from './operations.ts';

type Trx = Transaction<RegistryTables>;

export interface TransferDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly gate: Gate;
  readonly hash: SubjectHash;
  readonly jobs: Jobs;
  readonly log: Logger;
  /** How long files are kept after the end, in days. */
  readonly retentionDays: number;
  /** Largest file of an import, in bytes. */
  readonly mostBytes: number;
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}
const pageSize = 20;

/** The surface of records in bulk: who may, then one call of the transfer room; long work is a job. */
export function serveTransfer(dependencies: TransferDependencies): ImplementedSurface {
  const { db, gate, hash, jobs, log, retentionDays, mostBytes } = dependencies;

  const isMine = ({ caller, person }: Who, row: ImportRow | ExportRow): boolean =>
    row.application === caller.application && row.person === (person?.id ?? null);
  const administers = (who: Who): boolean => {
    try {
      gate.administer(who);
      return true;
    } catch (error) {
      if (error instanceof Problem) return false;
      throw error;
    }
  };
  const ownerOf = ({ caller }: Who): string => applicationOf(caller.service);

  /** An import of the caller's, or of anybody's for those who administer the registries. */
  async function importFor(who: Who, id: string): Promise<ImportRow> {
    const row = await findImport(db, ownerOf(who), id);
    if (!isMine(who, row) && !administers(who)) throw notFound('Import');
    return row;
  }

  /** The registry of an import, if the caller may write there still. */
  async function open(reader: Reader, row: ImportRow, method: DataMethod = 'import'): Promise<Granted> {
    if (row.upsert_by.length > 0) await gate.open(reader, row.code, row.version, 'update');
    return importable(await gate.open(reader, row.code, row.version, method));
  }

  const uploading = (row: ImportRow): void => {
    if (row.state !== 'uploading') throw conflict(`The import is ${row.state}`);
  };

  async function shown(row: ImportRow) {
    const { parts, bytes } = await partsOf(db, row.id);
    const mapping = mappingOf(row);
    return {
      id: row.id,
      registry: row.code,
      version: row.version,
      format: row.format,
      mode: row.mode,
      upsertBy: row.upsert_by,
      dryRun: row.dry_run,
      options: optionsOf(row) as never,
      mapping: mapping?.map((one) => ({ ...one })) ?? null,
      state: row.state,
      failure: row.failure,
      bytes,
      parts,
      rows: {
        read: Number(row.rows_read),
        valid: Number(row.rows_read) - Number(row.rows_faulty),
        faulty: Number(row.rows_faulty),
        created: Number(row.rows_created),
        changed: Number(row.rows_changed),
        unchanged: Number(row.rows_unchanged),
        undone: Number(row.rows_undone),
        kept: Number(row.rows_kept),
        perSecond: row.per_second,
      },
      report: { faults: Number(row.faults), parts: Math.ceil(Number(row.faults) / reportPart) },
      createdBy: row.person ?? row.application,
      createdAt: row.created_at,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      contentUntil: row.content_until,
    };
  }

  /** Moves an import on and, where there is work to be done, has it done. */
  async function movedOn(work: (trx: Trx) => Promise<ImportRow>, withJob: boolean) {
    const moved = await db.transaction().execute(async (trx) => {
      const row = await work(trx);
      if (withJob) await jobs.send(trx, importJob, { importId: row.id }, { singletonKey: row.id });
      return row;
    });
    return { status: 200 as const, body: await shown(moved) };
  }

  const shownExport = (row: ExportRow) => ({
    id: row.id,
    registry: row.code,
    version: row.version,
    format: row.format,
    state: row.state,
    failure: row.failure,
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    parts: row.parts,
    fileName: `${row.code}.${row.format}`,
    mediaType: mediaTypes[row.format],
    createdBy: row.person ?? row.application,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    contentUntil: row.content_until,
  });

  async function exportFor(who: Who, id: string): Promise<ExportRow> {
    const row = await findExport(db, ownerOf(who), id);
    if (!isMine(who, row) && !administers(who)) throw notFound('Export');
    return row;
  }

  /** Whose transfers a caller may see: its own, or everybody's. */
  const of = (who: Who) =>
    administers(who) ? undefined : { application: who.caller.application, person: who.person?.id ?? null };

  return implement(registryTransfer, {
    async createImport({ body, caller, person, idempotencyKey: key }) {
      const reader = readerOf(caller, person);
      const {
        registry,
        version = 'latest',
        format,
        mode = 'all-or-nothing',
        upsertBy = [],
        dryRun = false,
      } = body;
      if (upsertBy.length > 0) await gate.open(reader, registry, version, 'update');
      const granted = importable(await gate.open(reader, registry, version, 'import'));
      const input = { format, mode, upsertBy, dryRun, mapping: body.mapping, options: body.options ?? {} };
      return once(
        db,
        { scope: `${caller.application}/${caller.service}/createImport`, key, request: body },
        async (trx) => ({
          status: 200 as const,
          body: await shown(await createImport(trx, granted, reader, input, retentionDays)),
        }),
      );
    },
    async putImportPart({ params, headers, body, ...who }) {
      const row = await importFor(who, params.importId);
      uploading(row);
      if (body.length === 0) throw badRequest('The part is empty');
      await open(readerOf(who.caller, who.person), row);
      const sha256 = await db.transaction().execute(async (trx) => {
        // Nobody starts it meanwhile.
        if (!(await move(trx, row.id, ['uploading'], { state: 'uploading' })))
          throw conflict('The import has been started');
        const digest = await putPart(trx, row.id, params.part, body);
        const expected = headers['x-content-sha256']?.toLowerCase();
        if (expected !== undefined && expected !== digest)
          throw badRequest('The part is not what its digest says');
        const { bytes } = await partsOf(trx, row.id);
        if (bytes > mostBytes) throw new Problem(413, `An import has at most ${mostBytes} bytes`);
        return digest;
      });
      return { status: 200, body: { part: params.part, bytes: body.length, sha256 } };
    },
    async previewImport({ params, ...who }) {
      const row = await importFor(who, params.importId);
      const granted = await open(readerOf(who.caller, who.person), row);
      const { columns, rows } = await previewOf(db, row, granted);
      return {
        status: 200,
        body: {
          columns: columns.map((one) => ({ ...one })),
          fields: granted.fields.map(({ name, type, required }) => ({ name, type, required })),
          rows: rows.map((cells) => [...cells]),
        },
      };
    },
    async putImportMapping({ params, body, ...who }) {
      const row = await importFor(who, params.importId);
      uploading(row);
      assertMapping(await open(readerOf(who.caller, who.person), row), body.mapping, row.upsert_by);
      const moved = await move(db, row.id, ['uploading'], { mapping: JSON.stringify(body.mapping) });
      if (!moved) throw conflict('The import has been started');
      return { status: 200, body: await shown(moved) };
    },
    async startImport({ params, headers, body, ...who }) {
      const row = await importFor(who, params.importId);
      const reader = readerOf(who.caller, who.person, headers);
      await open(reader, row);
      return movedOn((trx) => readyImport(trx, row, reader, body.parts), row.state === 'uploading');
    },
    async getImport({ params, ...who }) {
      return { status: 200, body: await shown(await importFor(who, params.importId)) };
    },
    async listImports({ query, ...who }) {
      const page = { registry: query.registry, after: query.after, limit: query.limit ?? pageSize };
      const { rows, next } = await listImports(db, ownerOf(who), of(who), page);
      const imports = await Promise.all(rows.map(shown));
      return { status: 200, body: { imports, ...(next === undefined ? {} : { next }) } };
    },
    async cancelImport({ params, ...who }) {
      const row = await importFor(who, params.importId);
      return movedOn((trx) => cancelledImport(trx, row, retentionDays), false);
    },
    async resumeImport({ params, headers, ...who }) {
      const row = await importFor(who, params.importId);
      const reader = readerOf(who.caller, who.person, headers);
      await open(reader, row);
      return movedOn((trx) => resumedImport(trx, row, reader), true);
    },
    async readImportReport({ params, ...who }) {
      const row = await importFor(who, params.importId);
      const report = await readReport(db, row.id, params.part);
      if (report === undefined) throw notFound('Part of the report');
      return { status: 200, body: Buffer.from(report), headers: { 'content-type': mediaTypes.csv } };
    },
    async undoImport({ params, headers, ...who }) {
      const row = await importFor(who, params.importId);
      const reader = readerOf(who.caller, who.person, headers);
      await open(reader, row, 'delete');
      return movedOn((trx) => undoneImport(trx, row, reader), true);
    },
    async exportRecords({ body, headers, caller, person }) {
      const reader = readerOf(caller, person, headers);
      const { registry: code, version = 'latest', format, ...selection } = body;
      const granted = await gate.open(reader, code, version, 'list');
      const { file, rows } = await exportAtOnce(db, granted, reader, format, selection, hash);
      const { registry } = granted;
      log.info(
        { audit: 'export', registry: registry.id, application: caller.application, person: person?.id, rows },
        'records exported',
      );
      return {
        status: 200,
        body: file,
        headers: {
          'content-type': mediaTypes[format],
          'content-disposition': `attachment; filename="${registry.code}.${format}"`,
        },
      };
    },
    async createExport({ body, headers, caller, person, idempotencyKey: key }) {
      const reader = readerOf(caller, person, headers);
      const { registry, version = 'latest', format, ...selection } = body;
      const granted = await gate.open(reader, registry, version, 'list');
      return once(
        db,
        { scope: `${caller.application}/${caller.service}/createExport`, key, request: body },
        async (trx) => {
          const row = await createExport(trx, granted, reader, format, selection, retentionDays);
          await jobs.send(trx, exportJob, { exportId: row.id }, { singletonKey: row.id });
          return { status: 200 as const, body: shownExport(row) };
        },
      );
    },
    async getExport({ params, ...who }) {
      return { status: 200, body: shownExport(await exportFor(who, params.exportId)) };
    },
    async listExports({ query, ...who }) {
      const page = { registry: query.registry, after: query.after, limit: query.limit ?? pageSize };
      const { rows, next } = await listExports(db, ownerOf(who), of(who), page);
      return {
        status: 200,
        body: { exports: rows.map(shownExport), ...(next === undefined ? {} : { next }) },
      };
    },
    async cancelExport({ params, ...who }) {
      const row = await exportFor(who, params.exportId);
      const cancelled = await db.transaction().execute((trx) => cancelledExport(trx, row));
      return { status: 200, body: shownExport(cancelled) };
    },
    async readExportPart({ params, ...who }) {
      const row = await exportFor(who, params.exportId);
      // It has what its maker may see, which others may not.
      if (!isMine(who, row)) throw notFound('Export');
      await gate.open(readerOf(who.caller, who.person), row.code, row.version, 'list');
      const part = await readPart(db, row.id, params.part);
      if (!part) throw notFound('Part of the export');
      return { status: 200, body: part, headers: { 'content-type': 'application/octet-stream' } };
    },
  });
}
