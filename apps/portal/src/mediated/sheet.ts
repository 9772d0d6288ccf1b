import type { ServiceSheet } from '../backend.ts';
import type { Text } from '../languages.ts';
import type { Names } from './names.ts';

/** A service as the registration block answers it. */
export interface RegisteredService {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly isExecutable: boolean;
  readonly sheet: Readonly<Record<string, unknown>>;
  readonly owner: string;
  readonly consent: { readonly dataAgreementId: string } | null;
}

const sectionCodes = [
  'whoCanApply',
  'whatYouNeed',
  'whatYouGet',
  'howItIsDecided',
  'ifYouDoNotAgree',
  'legalBasis',
  'contact',
];
const factCodes = ['howLong', 'cost'];

/** Whether something is a text by language. */
export const isText = (value: unknown): value is Text =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((one) => typeof one === 'string');

const textOf = (value: unknown, otherwise: string): Text => (isText(value) ? value : { en: otherwise });

export const serviceName = (service: RegisteredService): Text => textOf(service.sheet.name, service.name);

/** The service sheet from what the service's folder declares (`sheet` in service.json). */
export function toSheet(service: RegisteredService, names: Names): ServiceSheet {
  const { sheet } = service;
  const summary = textOf(sheet.description, service.description);
  return {
    id: service.code,
    title: serviceName(service),
    summary,
    intro: summary,
    agency: names.member(service.owner),
    available: service.isExecutable,
    sections: sectionCodes.flatMap((code) =>
      isText(sheet[code]) ? [{ code, body: sheet[code] as Text }] : [],
    ),
    facts: factCodes.flatMap((code) => (isText(sheet[code]) ? [{ code, value: sheet[code] as Text }] : [])),
    steps: [],
  };
}

/** Programme behind a service, as its sheet declares it; by default both have the same code. */
export interface ProgrammeDeclaration {
  readonly sourceId: string;
  readonly programmeId: string;
  readonly runProcess: string;
  /** Reasons of failure that pass: the process pays again by itself. */
  readonly retriedReasons: readonly string[];
}

export function programmeOf(service: RegisteredService): ProgrammeDeclaration {
  const declared = service.sheet.programme as Partial<ProgrammeDeclaration> | undefined;
  return {
    sourceId: declared?.sourceId ?? service.code,
    programmeId: declared?.programmeId ?? service.code,
    runProcess: declared?.runProcess ?? `${service.code}-payment-run`,
    retriedReasons: declared?.retriedReasons ?? [],
  };
}
