import type { Voice } from '../rendering/voice.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { localOf } from './moments.ts';
import { type ConditionLine, linesOf } from './right-conditions.ts';
import type { FieldRule, Right } from './right-shape.ts';
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

/** A line of the table of conditions that nobody has touched. */
const isEmptyLine = ({ field, operator, against, value }: ConditionLine): boolean =>
  field === '' && value === '' && ['', 'eq'].includes(operator) && ['', 'value'].includes(against);

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
  })).filter((line) => !isEmptyLine(line)),
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

/** How the form shows a rule. */
export const ruleAs = ({ show = 'plain', write = true }: FieldRule): string =>
  show === 'plain' && write ? 'write' : show;

/** Whether a rule is about a field; rules name fields or give their ids. */
export const isAbout = ({ field }: FieldRule, { id, name }: SchemaField): boolean =>
  field === name || field === id;

/** A right as the form shows it. */
export function inputsOfRight(
  right: Right,
  fields: readonly SchemaField[],
  timeZone: string,
  voice: Voice,
): RightInputs {
  const { subject, needs = {} } = right;
  const lines = linesOf(right.rows, fields, voice);
  const fits = lines !== undefined && lines.length <= conditionLines;
  const others = right.otherFields === 'plain' ? 'write' : 'hidden';
  const shown = (field: SchemaField): string => {
    const rule = right.fields?.findLast((one) => isAbout(one, field));
    return rule ? ruleAs(rule) : others;
  };
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
    scope: right.fields || right.otherFields === 'hidden' ? 'some' : 'all',
    shown: Object.fromEntries(fields.map((field) => [field.id, shown(field)])),
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
