import type { ProblemDetail } from '@govstack/platform';
import { compileValidator } from '@govstack/platform';
import { GivenIMconf } from '../api/configuration/document-operations.ts';
import type { Endpoint } from '../directory/snapshot.ts';
import type { Application, Service } from './configuration.ts';

/** Something a document names, and where. */
interface Mention {
  readonly pointer: string;
  readonly id: string;
}

export interface MentionedMember extends Mention {
  readonly name: string | undefined;
}
export interface MentionedApplication extends Mention {
  readonly said: Partial<Application>;
}
export interface MentionedService extends Mention {
  readonly said: Partial<Service>;
}
export interface MentionedRight {
  readonly pointer: string;
  readonly service: string;
  readonly member: string | undefined;
  /** Undefined unless class and code were given. */
  readonly memberId: string | undefined;
  readonly application: string;
  readonly endpoints: readonly Endpoint[] | undefined;
}

/** What a document says, entry by entry; what it leaves out is undefined. */
export interface Mentioned {
  readonly instance: string | undefined;
  readonly domain: string | undefined;
  readonly members: readonly MentionedMember[];
  readonly applications: readonly MentionedApplication[];
  readonly services: readonly MentionedService[];
  readonly rights: readonly MentionedRight[];
  readonly defects: readonly ProblemDetail[];
}

const shapeDefects = compileValidator(GivenIMconf, 'body', false);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const recordsIn = (value: unknown): [number, Record<string, unknown>][] =>
  Array.isArray(value)
    ? value
        .map((one, index): [number, unknown] => [index, one])
        .filter((pair): pair is [number, Record<string, unknown>] => isRecord(pair[1]))
    : [];
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const codeIn = (value: unknown): string | undefined =>
  typeof value === 'number' ? String(value) : textOf(value);

/** Properties that are there, of the kind they must be; the shape's defects are reported by the schema. */
function said(
  given: Record<string, unknown>,
  kinds: Readonly<Record<string, (value: unknown) => boolean>>,
): object {
  return Object.fromEntries(
    Object.entries(kinds)
      .filter(([name, fits]) => given[name] !== undefined && fits(given[name]))
      .map(([name]) => [name, given[name]]),
  );
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);
const isRecordOrNull = (value: unknown): boolean => value === null || isRecord(value);

const applicationKinds = {
  name: isText,
  status: isText,
  connection: isText,
  publicKey: isRecordOrNull,
  operators: isTexts,
  tlsCertificates: isTexts,
};
const serviceKinds = {
  title: isText,
  timeoutMs: Number.isInteger,
  enabled: (value: unknown) => typeof value === 'boolean',
  notice: isTextOrNull,
  openapi: isRecordOrNull,
};

/** One value under two spellings; both only when they agree. */
function spelled(
  given: Record<string, unknown>,
  pointer: string,
  [published, other]: readonly [string, string],
  defects: ProblemDetail[],
): string | undefined {
  const value = textOf(given[published]);
  const alias = textOf(given[other]);
  if (value !== undefined && alias !== undefined && value !== alias)
    defects.push({ in: 'body', pointer: `${pointer}/${other}`, detail: `says otherwise than ${published}` });
  return value ?? alias;
}

/** Reads a document as far as it can be read, and says what is wrong with its shape. */
export function readDocument(given: unknown): Mentioned {
  const defects: ProblemDetail[] = [...(shapeDefects(given) ?? [])];
  const document = isRecord(given) ? given : {};
  const instance = textOf(document.instance);
  const members: MentionedMember[] = [];
  const applications: MentionedApplication[] = [];
  const services: MentionedService[] = [];
  const rights: MentionedRight[] = [];

  const readRights = (value: unknown, at: string, service: string): void => {
    for (const [index, right] of recordsIn(value)) {
      const memberClass = codeIn(right.class);
      const code = codeIn(right.code);
      const application = codeIn(right.application);
      if (application === undefined) continue;
      const endpoints = Array.isArray(right.endpoints)
        ? recordsIn(right.endpoints).map(([, { method, path }]) => ({
            method: String(method).toUpperCase(),
            path: String(path),
          }))
        : undefined;
      rights.push({
        pointer: `${at}/${index}`,
        service,
        member: textOf(right.member),
        memberId:
          memberClass === undefined || code === undefined
            ? undefined
            : `${textOf(right.instance) ?? instance}/${memberClass}/${code}`,
        application,
        endpoints,
      });
    }
  };
  const readServices = (value: unknown, at: string, application: string): void => {
    for (const [index, service] of recordsIn(value)) {
      const code = codeIn(service.id);
      if (code === undefined) continue;
      const pointer = `${at}/${index}`;
      const id = `${application}/${code}`;
      const serviceUrl = spelled(service, pointer, ['serviceUrl', 'service_url'], defects);
      const specUrl = spelled(service, pointer, ['specUrl', 'spec_url'], defects);
      services.push({
        pointer,
        id,
        said: {
          ...said(service, serviceKinds),
          ...(serviceUrl === undefined ? {} : { serviceUrl }),
          ...(specUrl === undefined ? {} : { specUrl }),
        },
      });
      readRights(service.rights, `${pointer}/rights`, id);
    }
  };
  const readApplications = (value: unknown, at: string, member: string): void => {
    for (const [index, application] of recordsIn(value)) {
      const code = codeIn(application.id);
      if (code === undefined) continue;
      const pointer = `${at}/${index}`;
      const id = `${member}/${code}`;
      applications.push({ pointer, id, said: said(application, applicationKinds) });
      readServices(application.services, `${pointer}/services`, id);
    }
  };
  for (const [index, member] of recordsIn(document.members)) {
    const memberClass = codeIn(member.class);
    const code = codeIn(member.code);
    if (memberClass === undefined || code === undefined) continue;
    const pointer = `/members/${index}`;
    const id = `${instance}/${memberClass}/${code}`;
    members.push({ pointer, id, name: textOf(member.name) });
    readApplications(member.applications, `${pointer}/applications`, id);
  }
  return { instance, domain: textOf(document.domain), members, applications, services, rights, defects };
}
