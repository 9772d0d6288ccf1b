import { Problem } from '@govstack/platform';
import { isUuid } from '../site/ids.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { kindOf } from './schema.ts';
import type { OpenRegistry } from './shell.ts';

export const importFormats = ['csv', 'xlsx', 'json', 'ndjson'] as const;
export const exportFormats = ['csv', 'xlsx', 'json'] as const;
export const importModes = ['all-or-nothing', 'good-rows'] as const;
export const dateOrders = ['iso', 'dmy', 'mdy'] as const;
export const encodings = ['utf-8', 'utf-16le', 'windows-1252', 'windows-1256'] as const;

/** The import or export in an address. */
export function transferIn(visit: SignedInVisit): string {
  const id = visit.params.transfer;
  if (!isUuid(id)) throw new Problem(404, 'no such transfer');
  return id;
}

const oneOf = <const T extends string>(values: readonly T[], value: string): T | undefined =>
  values.find((one) => one === value);

/** What the form of an import says. */
export function importInputs(visit: SignedInVisit) {
  return {
    format: oneOf(importFormats, input(visit, 'format')),
    mode: oneOf(importModes, input(visit, 'mode')) ?? importModes[0],
    dryRun: input(visit, 'dryRun') === 'yes',
    dates: oneOf(dateOrders, input(visit, 'dates')) ?? dateOrders[0],
    encoding: oneOf(encodings, input(visit, 'encoding')) ?? encodings[0],
    keepEmpty: input(visit, 'keepEmpty') === 'yes',
    /** Ids of fields by which rows find records. */
    keys: [visit.body.keys ?? []].flat(),
  };
}
export type ImportInputs = ReturnType<typeof importInputs>;

/** The format that was chosen, or the one that the name of the file says. */
export const formatOf = (inputs: ImportInputs, fileName: string) =>
  inputs.format ?? oneOf(importFormats, fileName.toLowerCase().split('.').at(-1) ?? '');

/** Fields by which a row can find the record that it changes. */
export const keyFields = ({ fields }: OpenRegistry) =>
  fields.filter(({ property }) => !['file', 'list', 'block'].includes(kindOf(property)));

export const attachment = (visit: SignedInVisit, fileName: string, mediaType: string) =>
  visit.reply
    .header('content-type', mediaType)
    .header('content-disposition', `attachment; filename="${fileName}"`)
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff');
