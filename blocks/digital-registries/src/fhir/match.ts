import { badRequest } from '@govstack/platform';
import { doubleMetaphone } from 'double-metaphone';
import { type RawBuilder, sql } from 'kysely';
import { attributeValue } from '../mapping/attribute.ts';
import type { Row } from '../records/content.ts';
import { columnRef } from '../records/statement.ts';
import {
  type Fhir,
  identifierCondition,
  type Patients,
  patientTemplate,
  selectRows,
  showResources,
  where,
} from './fhir.ts';

/** Candidates that are looked at, and matches that are answered unless `count` says less. */
const mostCandidates = 500;
const mostMatches = 20;
/** From these scores on a match is certain, probable, possible; below it is none. */
const grades = [
  [0.95, 'certain'],
  [0.8, 'probable'],
  [0.6, 'possible'],
] as const;

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 200) : undefined;
const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);

/** What is told about the person sought. */
interface Described {
  readonly identifiers: readonly string[];
  readonly family: string | undefined;
  readonly given: string | undefined;
  readonly birthDate: string | undefined;
  readonly gender: string | undefined;
}

function describedBy(resource: unknown): Described {
  if (!isObject(resource) || resource.resourceType !== 'Patient')
    throw badRequest('The parameter resource must be a Patient');
  const identifiers = (Array.isArray(resource.identifier) ? resource.identifier.slice(0, 10) : [])
    .filter(isObject)
    .flatMap(({ system, value }) => {
      const said = textOf(value);
      return said === undefined ? [] : [`${textOf(system) ?? ''}|${said}`];
    });
  const name = firstOf(resource.name);
  const birthDate = textOf(resource.birthDate);
  const described = {
    identifiers,
    family: isObject(name) ? textOf(name.family) : undefined,
    given: isObject(name) ? textOf(firstOf(name.given)) : undefined,
    birthDate: birthDate !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(birthDate) ? birthDate : undefined,
    gender: textOf(resource.gender),
  };
  if (identifiers.length === 0 && described.family === undefined && described.birthDate === undefined)
    throw badRequest('An identifier, a family name or a birth date is needed to look for');
  return described;
}

const plain = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
const soundsLike = (one: string, other: string): boolean => {
  const heard = new Set(doubleMetaphone(other));
  return doubleMetaphone(one).some((sound) => sound !== '' && heard.has(sound));
};
const nameScore = (sought: string, found: string): number => {
  if (plain(sought) === plain(found)) return 1;
  return soundsLike(plain(sought), plain(found)) ? 0.7 : 0;
};
/** Same day 1; day and month changed about, or one of the three parts wrong, half. */
const dateScore = (sought: string, found: string): number => {
  if (sought === found) return 1;
  const [one, other] = [sought.split('-'), found.split('-')];
  const right = one.filter((part, index) => part === other[index]).length;
  const swapped = one[0] === other[0] && one[1] === other[2] && one[2] === other[1];
  return right === 2 || swapped ? 0.5 : 0;
};

/** How much each thing counts, when it is told. */
const weights = { family: 0.3, given: 0.25, birthDate: 0.35, gender: 0.1 } as const;

/** 0 to 1: how well a row fits. The same identifier is the same person, unless everything else speaks against it. */
function scoreOf(patients: Patients, row: Row, sought: Described, now: Date): number {
  const { patient, attributes } = patients;
  const said = (name: string | undefined): string | undefined => {
    const attribute = name === undefined ? undefined : attributes.get(name);
    const value = attribute && attributeValue(attribute, row, now);
    return value === undefined ? undefined : String(value);
  };
  const found = {
    family: said(patient.search.family),
    given: said(patient.search.given),
    birthDate: said(patient.search.birthdate)?.slice(0, 10),
    gender: said(patient.search.gender),
  };
  let told = 0;
  let score = 0;
  for (const key of ['family', 'given', 'birthDate', 'gender'] as const) {
    const [wanted, there] = [sought[key], found[key]];
    if (wanted === undefined || there === undefined) continue;
    told += weights[key];
    const fits =
      key === 'birthDate'
        ? dateScore(wanted, there)
        : key === 'gender'
          ? Number(plain(wanted) === plain(there))
          : nameScore(wanted, there);
    score += weights[key] * fits;
  }
  const rest = told === 0 ? undefined : score / told;
  const identified = sought.identifiers.some((token) => {
    const bar = token.indexOf('|');
    return Object.entries(patient.identifiers).some(
      ([system, name]) =>
        (bar === 0 || system === token.slice(0, bar)) && said(name) === token.slice(bar + 1),
    );
  });
  if (identified) return rest === undefined || rest >= 0.5 ? 1 : 0.5 + rest / 2;
  // Without an identifier as much must be told as tells people apart.
  return rest === undefined ? 0 : rest * Math.min(1, told / 0.9);
}

const gradeOf = (score: number): string | undefined => grades.find(([least]) => score >= least)?.[1];

export interface MatchRequest {
  readonly resource: unknown;
  readonly count: number | undefined;
  readonly onlyCertainMatches: boolean;
}

/** Patients that may be the one described, the likeliest first. Certain is only who is so alone. */
export async function matchPatients(fhir: Fhir, patients: Patients, request: MatchRequest) {
  const sought = describedBy(request.resource);
  const { patient, attributes } = patients;
  const now = fhir.now();
  const ways: RawBuilder<unknown>[] = sought.identifiers.flatMap((token) => {
    const condition = identifierCondition(patients, token);
    return condition ? [where(patients, condition, now)] : [];
  });
  for (const [parameter, value] of [
    ['family', sought.family],
    ['birthdate', sought.birthDate],
  ] as const) {
    const name = patient.search[parameter];
    const attribute = name === undefined ? undefined : attributes.get(name);
    const text = attribute?.field.type === 'text';
    if (attribute && value !== undefined && (parameter === 'birthdate' || text))
      ways.push(
        parameter === 'family'
          ? sql`lower(${columnRef(attribute.field)}) = ${value.toLowerCase()}`
          : where(patients, { attribute: attribute.name, is: 'eq', value }, now),
      );
  }
  const rows =
    ways.length === 0
      ? []
      : await selectRows(fhir, patients, [sql`(${sql.join(ways, sql` or `)})`], mostCandidates);
  const scored = rows
    .map((row) => ({ row, score: scoreOf(patients, row, sought, now) }))
    .filter(({ score }) => gradeOf(score) !== undefined)
    .sort((one, other) => other.score - one.score);
  const [certain] = grades;
  const alone = scored.filter(({ score }) => score >= certain[0]).length === 1;
  const graded = scored.map(({ row, score }) => {
    const grade = gradeOf(score) as string;
    return { row, score, grade: grade === 'certain' && !alone ? 'probable' : grade };
  });
  const wanted = request.onlyCertainMatches ? graded.filter(({ grade }) => grade === 'certain') : graded;
  const matches = wanted.slice(0, Math.min(request.count ?? mostMatches, mostMatches));
  const asked = [...Object.values(patient.identifiers), ...Object.values(patient.search)];
  const resources = await showResources(
    fhir,
    patients,
    'list',
    matches.map(({ row }) => row),
    patientTemplate(patients),
    asked,
  );
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: matches.length,
    entry: resources.map((resource, index) => ({
      fullUrl: `urn:uuid:${resource.id}`,
      resource,
      search: {
        extension: [
          {
            url: 'http://hl7.org/fhir/StructureDefinition/match-grade',
            valueCode: matches[index]?.grade,
          },
        ],
        mode: 'match',
        score: Math.round((matches[index]?.score ?? 0) * 1000) / 1000,
      },
    })),
  };
}
