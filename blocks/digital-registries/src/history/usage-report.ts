import { badRequest, forbidden, Problem } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Gate, Reader } from '../access/access.ts';
import type { OwnIdentifier } from '../access/own-identity.ts';
import type { RegistryTables } from '../tables.ts';
import { logReport, type SubjectHash } from './read-log.ts';

export interface ReportParts {
  readonly db: Kysely<RegistryTables>;
  readonly gate: Gate;
  readonly hash: SubjectHash;
  readonly ownIdentifier: OwnIdentifier;
}

/** Whether the reader administers the registries that are addressed. */
export function isAnalyst(gate: Gate, reader: Reader): boolean {
  try {
    gate.administer(reader);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 403) return false;
    throw error;
  }
}

/**
 * Whom a report is about: for analysts whom they name, for others nobody but themselves, as their identity says. That it
 * was asked for is on record before it is given (DRS-8).
 */
export async function subjectOfReport(
  { db, gate, hash, ownIdentifier }: ReportParts,
  owner: string,
  reader: Reader,
  identifier: string | undefined,
): Promise<Buffer> {
  const subject = await (async (): Promise<Buffer> => {
    if (isAnalyst(gate, reader)) {
      if (identifier === undefined)
        throw badRequest('The report needs somebody to be about', [
          { in: 'body', pointer: '/identifier', detail: 'is required' },
        ]);
      return hash(identifier);
    }
    if (!reader.person) throw forbidden('A report is for the person it is about, and for analysts');
    const own = hash(await ownIdentifier(reader.person.id));
    if (identifier !== undefined && !hash(identifier).equals(own))
      throw forbidden('A report about somebody else is for analysts');
    return own;
  })();
  await logReport(db, owner, reader, 'report', [subject]);
  return subject;
}
