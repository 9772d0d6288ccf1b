import { input, type SignedInVisit } from '../site/visit.ts';
import { instantOf, localOf } from './moments.ts';
import type { PageError } from './refusals.ts';
import { type ConditionLine, conditionOf, linesOf } from './right-conditions.ts';
import {
  type Condition,
  type FieldRule,
  type Right,
  rightMethods,
  type Subject,
  type shownAs,
  subjectKinds,
} from './right-shape.ts';
import type { SchemaField } from './schema.ts';

export const conditionLines = 4;

/** What the form of a right says, as it was entered. */
export interface RightInputs {
  readonly kind: string;
  readonly application: string;
  readonly person: string;
  readonly role: string;
  readonly agency: string;
  readonly group: string;
  readonly delegates: boolean;
  readonly methods: readonly string[];
  readonly scope: string;
  /** How each field is seen, by id. */
  readonly shown: Readonly<Record<number, string>>;
  readonly laterFields: boolean;
  readonly lines: readonly ConditionLine[];
  /** Conditions that say more than the lines can, as JSON. */
  readonly rowsText: string;
  readonly consent: boolean;
  readonly legalGround: boolean;
  readonly purposes: string;
  readonly acr: string;
  readonly personRoles: string;
  readonly ownRights: boolean;
  readonly from: string;
  readonly until: string;
  readonly note: string;
}

const inLines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
const ticked = (visit: SignedInVisit, name: string): boolean => input(visit, name) === 'yes';

/** What was entered. */
export const enteredRight = (visit: SignedInVisit, fields: readonly SchemaField[]): RightInputs => ({
  kind: input(visit, 'kind'),
  application: input(visit, 'application'),
  person: input(visit, 'person'),
  role: input(visit, 'role'),
  agency: input(visit, 'agency'),
  group: input(visit, 'group'),
  delegates: ticked(visit, 'delegates'),
  methods: [visit.body.methods ?? []].flat(),
  scope: input(visit, 'scope'),
  shown: Object.fromEntries(fields.map(({ id }) => [id, input(visit, `shown-${id}`)])),
  laterFields: ticked(visit, 'laterFields'),
  lines: Array.from({ length: conditionLines }, (_, index) => ({
    field: input(visit, `row-${index}-field`),
    operator: input(visit, `row-${index}-operator`),
    against: input(visit, `row-${index}-against`),
    value: input(visit, `row-${index}-value`),
  })).filter(({ field }) => field !== ''),
  rowsText: input(visit, 'rowsText'),
  consent: ticked(visit, 'consent'),
  legalGround: ticked(visit, 'legalGround'),
  purposes: input(visit, 'purposes'),
  acr: input(visit, 'acr'),
  personRoles: input(visit, 'personRoles'),
  ownRights: ticked(visit, 'ownRights'),
  from: input(visit, 'from'),
  until: input(visit, 'until'),
  note: input(visit, 'note'),
});

const ruleAs = ({ show = 'plain', write = true }: FieldRule): string =>
  show === 'plain' && write ? 'write' : show;

/** A right as the form shows it. */
export function inputsOfRight(right: Right, fields: readonly SchemaField[], timeZone: string): RightInputs {
  const { subject, needs = {} } = right;
  const lines = linesOf(right.rows);
  const fits = lines !== undefined && lines.length <= conditionLines;
  const others = right.otherFields === 'plain' ? 'write' : 'hidden';
  const rules = new Map(right.fields?.map((rule) => [rule.field, ruleAs(rule)]));
  const moment = (instant: string | undefined) =>
    instant === undefined ? '' : localOf(instant, timeZone).slice(0, 16);
  return {
    kind: subject.kind,
    application: subject.kind === 'application' ? subject.application : '',
    person: subject.kind === 'person' ? subject.person : '',
    role: subject.kind === 'role' ? subject.role : '',
    agency: subject.kind === 'role' ? (subject.agency ?? '') : '',
    group: subject.kind === 'group' ? subject.group : '',
    delegates: subject.kind === 'record-owner' && subject.delegates === true,
    methods: right.methods,
    scope: right.fields ? 'some' : 'all',
    shown: Object.fromEntries(fields.map(({ id, name }) => [id, rules.get(name) ?? others])),
    laterFields: right.otherFields === 'plain',
    lines: fits ? lines : [],
    rowsText: fits ? '' : JSON.stringify(right.rows, null, 2),
    consent: needs.consent === true,
    legalGround: needs.legalGround === true,
    purposes: needs.purposes?.join('\n') ?? '',
    acr: needs.acr?.join('\n') ?? '',
    personRoles: needs.person?.roles?.join('\n') ?? '',
    ownRights: needs.person?.ownRights === true,
    from: moment(right.from),
    until: moment(right.until),
    note: right.note ?? '',
  };
}

export const newRight: Partial<RightInputs> = {
  kind: 'role',
  methods: ['list', 'read', 'exists'],
  scope: 'all',
};

const isApplication = (text: string): boolean => /^[^/\s]+(\/[^/\s]+){3}$/.test(text);

function subjectOf(inputs: RightInputs): Subject | undefined {
  const { application, person, role, agency, group } = inputs;
  const kind = subjectKinds.find((one) => one === inputs.kind);
  switch (kind) {
    case 'application':
      return isApplication(application) ? { kind, application } : undefined;
    case 'person':
      return person === '' ? undefined : { kind, person };
    case 'group':
      return group === '' ? undefined : { kind, group };
    case 'role':
      if (!/^[a-z][a-z-]{0,49}(:.{1,100})?$/.test(role)) return undefined;
      return { kind, role, ...(agency === '' ? {} : { agency }) };
    case 'record-owner':
      return { kind, ...(inputs.delegates ? { delegates: true } : {}) };
    case 'signed-in':
    case 'anonymous':
      return { kind };
    default:
      return undefined;
  }
}

/** Rules of fields as they were entered; what a rule says of when stays, the form does not show it. */
function rulesOf(
  inputs: RightInputs,
  fields: readonly SchemaField[],
  before: Right | undefined,
): FieldRule[] {
  return fields.flatMap(({ id, name }): FieldRule[] => {
    const shown = inputs.shown[id] as (typeof shownAs)[number] | undefined;
    const when = before?.fields?.find(({ field }) => field === name)?.when;
    const rest = when && shown !== 'hidden' ? { when } : {};
    if (shown === undefined || shown === 'hidden')
      return inputs.laterFields ? [{ field: name, show: 'hidden' }] : [];
    if (shown === 'write') return [{ field: name, ...rest }];
    return [{ field: name, show: shown, ...(shown === 'plain' ? { write: false } : {}), ...rest }];
  });
}

function needsOf(inputs: RightInputs): Right['needs'] {
  const roles = inLines(inputs.personRoles);
  const [purposes, acr] = [inLines(inputs.purposes), inLines(inputs.acr)];
  const needs = {
    ...(inputs.consent ? { consent: true } : {}),
    ...(inputs.legalGround ? { legalGround: true } : {}),
    ...(purposes.length > 0 ? { purposes } : {}),
    ...(acr.length > 0 ? { acr } : {}),
    ...(roles.length > 0 || inputs.ownRights
      ? {
          person: {
            ...(roles.length > 0 ? { roles } : {}),
            ...(inputs.ownRights ? { ownRights: true } : {}),
          },
        }
      : {}),
  };
  return Object.keys(needs).length === 0 ? undefined : needs;
}

function parsedRows(text: string): Condition | undefined {
  try {
    const rows: unknown = JSON.parse(text);
    return Array.isArray(rows) ? (rows as Condition) : undefined;
  } catch {
    return undefined;
  }
}

/** The right that was entered, or what is wrong with it. */
export function readRight(
  { voice }: SignedInVisit,
  inputs: RightInputs,
  fields: readonly SchemaField[],
  timeZone: string,
  before: Right | undefined,
): { readonly right?: Right; readonly errors: readonly PageError[] } {
  const errors: PageError[] = [];
  const wrong = (key: string, href: string) =>
    errors.push({ text: voice.t(`registries.rights.${key}`), href });
  const subject = subjectOf(inputs);
  if (!subject)
    wrong(`subjectWrong.${inputs.kind || 'kind'}`, inputs.kind === '' ? '#kind' : `#${inputs.kind}`);
  const methods = rightMethods.filter((one) => inputs.methods.includes(one));
  if (methods.length === 0) wrong('chooseMethods', '#methods');
  const rules = inputs.scope === 'some' ? rulesOf(inputs, fields, before) : undefined;
  if (rules && !inputs.laterFields && rules.length === 0) wrong('chooseFields', '#fields');
  const table = conditionOf(inputs.lines, fields, voice);
  if (table.wrong) wrong('rowsWrong', '#rows');
  const rows = inputs.rowsText === '' ? table.rows : parsedRows(inputs.rowsText);
  if (inputs.rowsText !== '' && !rows) wrong('rowsTextWrong', '#rowsText');
  const moment = (name: 'from' | 'until'): string | undefined => {
    if (inputs[name] === '') return undefined;
    const instant = instantOf(inputs[name], timeZone);
    if (instant === undefined) wrong('momentWrong', `#${name}`);
    return instant;
  };
  const [from, until] = [moment('from'), moment('until')];
  if (errors.length > 0 || !subject) return { errors };
  const needs = needsOf(inputs);
  const right: Right = {
    subject,
    methods,
    ...(rules ? { fields: rules, ...(inputs.laterFields ? { otherFields: 'plain' as const } : {}) } : {}),
    ...(rows ? { rows } : {}),
    ...(needs ? { needs } : {}),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(inputs.note === '' ? {} : { note: inputs.note }),
  };
  return { right, errors };
}
