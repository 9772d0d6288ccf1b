import type { DataMethod } from '../access/access.ts';
import type { registryData } from '../api/data/operations.ts';

type DataOperation = keyof typeof registryData.operations;

/** A service that every version of every registry has: one operation of the Data API. */
export interface StandardService {
  /** Place in the set, stable. */
  readonly id: number;
  readonly name: string;
  readonly operation: DataOperation;
  /** The right it needs. */
  readonly method: DataMethod;
  /** An owner can make own services that work like it, narrower. */
  readonly copied: boolean;
}

const service = (
  id: number,
  name: string,
  operation: DataOperation,
  method: DataMethod,
  copied = false,
): StandardService => ({ id, name, operation, method, copied });

/** In the order in which they are listed; new ones go to the end. */
export const standardServices: readonly StandardService[] = [
  service(1, 'data-create', 'createRecord', 'create', true),
  service(2, 'data-read', 'readRecord', 'read', true),
  service(3, 'data-update', 'updateRecord', 'update', true),
  service(4, 'data-delete', 'deleteRecord', 'delete'),
  service(5, 'data-exists', 'recordExists', 'exists', true),
  service(6, 'data-update-or-create', 'updateOrCreateRecord', 'create', true),
  service(7, 'data-list', 'listRecords', 'list'),
  service(8, 'data-search', 'searchRecords', 'list', true),
  service(9, 'data-create-entries', 'createRecords', 'create'),
  service(10, 'data-update-entries', 'updateRecords', 'update'),
  service(11, 'data-delete-entries', 'deleteRecords', 'delete'),
  service(12, 'data-read-value', 'readValue', 'read'),
  service(13, 'data-archive', 'archiveRecord', 'delete'),
  service(14, 'data-restore', 'restoreRecord', 'update'),
  service(15, 'data-history', 'readHistory', 'read'),
  service(16, 'data-as-of', 'readRecordAsOf', 'read'),
  service(17, 'data-schema', 'readSchema', 'read'),
  service(18, 'data-erase', 'eraseRecord', 'delete'),
];

export const standardByName: ReadonlyMap<string, StandardService> = new Map(
  standardServices.map((one) => [one.name, one]),
);
export const standardByOperation: ReadonlyMap<string, StandardService> = new Map(
  standardServices.map((one) => [one.operation, one]),
);
