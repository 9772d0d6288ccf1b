import type { SignedInVisit } from '../site/visit.ts';
import { isApplication } from './application-id.ts';
import { instantOf } from './moments.ts';
import type { PageError } from './refusals.ts';
import { conditionOf } from './right-conditions.ts';
import { inputsOfRight, isAbout, type RightInputs, ruleAs } from './right-inputs.ts';
import {
  type Condition,
  type FieldRule,
  type Right,
  rightMethods,
  type Subject,
  shownAs,
  subjectKinds,
} from './right-shape.ts';
import { isObject, type SchemaField, sameValue } from './schema.ts';
import { linesIn } from './text-lines.ts';

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

/** A value as it comes back from a form that was only opened and sent. */
function asSent(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/\r\n?/g, '\n').trim();
  if (Array.isArray(value)) return value.map(asSent);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asSent(one)]));
}

/** Whether inputs say what they said when the form was opened. */
type Unchanged = (...names: (keyof RightInputs)[]) => boolean;

/** Rules of fields as they were entered. What the form does not show stays: of when, and of fields that are no more. */
function rulesOf(
  inputs: RightInputs,
  fields: readonly SchemaField[],
  before: Right | undefined,
): FieldRule[] {
  const rules = before?.fields ?? [];
  const notShown = rules.filter((rule) => !fields.some((field) => isAbout(rule, field)));
  const entered = fields.flatMap((field): FieldRule[] => {
    const shown = shownAs.find((one) => one === inputs.shown[field.id]) ?? 'hidden';
    const rule = rules.findLast((one) => isAbout(one, field));
    if (rule && ruleAs(rule) === shown) return [rule];
    if (shown === 'hidden') return inputs.laterFields ? [{ field: field.name, show: 'hidden' }] : [];
    const rest = rule?.when ? { when: rule.when } : {};
    if (shown === 'write') return [{ field: field.name, ...rest }];
    return [{ field: field.name, show: shown, ...(shown === 'plain' ? { write: false } : {}), ...rest }];
  });
  return [...notShown, ...entered];
}

/** Needs as they were entered. An empty one has no input that shows it, and is a need all the same. */
function needsOf(inputs: RightInputs, before: Right['needs'], unchanged: Unchanged): Right['needs'] {
  const list = (name: 'purposes' | 'acr' | 'personRoles', was: readonly string[] | undefined) => {
    if (unchanged(name) && was) return [...was];
    const lines = linesIn(inputs[name]);
    return lines.length > 0 ? lines : undefined;
  };
  const [purposes, acr] = [list('purposes', before?.purposes), list('acr', before?.acr)];
  const roles = list('personRoles', before?.person?.roles);
  const barePerson = before?.person && unchanged('personRoles', 'ownRights');
  const needs = {
    ...(inputs.consent ? { consent: true } : {}),
    ...(inputs.legalGround ? { legalGround: true } : {}),
    ...(purposes ? { purposes } : {}),
    ...(acr ? { acr } : {}),
    ...(roles || inputs.ownRights || barePerson
      ? {
          person: {
            ...(roles ? { roles } : {}),
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

/** The right that was entered, or what is wrong with it. What was not changed on the form stays as it was. */
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
  const was = before && inputsOfRight(before, fields, timeZone, voice);
  const unchanged: Unchanged = (...names) =>
    was !== undefined && names.every((name) => sameValue(asSent(was[name]), asSent(inputs[name])));
  const sameSubject = unchanged('kind', 'application', 'person', 'role', 'agency', 'group', 'delegates');
  const subject = sameSubject && before ? before.subject : subjectOf(inputs);
  if (!subject)
    wrong(`subjectWrong.${inputs.kind || 'kind'}`, inputs.kind === '' ? '#kind' : `#${inputs.kind}`);
  const methods = rightMethods.filter((one) => inputs.methods.includes(one));
  if (methods.length === 0) wrong('chooseMethods', '#methods');
  const sameFields = unchanged('scope', 'shown', 'laterFields');
  const rules = inputs.scope === 'some' && !sameFields ? rulesOf(inputs, fields, before) : undefined;
  if (inputs.scope !== 'some' && inputs.scope !== 'all') wrong('chooseScope', '#scope');
  if (rules && !inputs.laterFields && rules.length === 0) wrong('chooseFields', '#fields');
  const sameRows = unchanged('lines', 'rowsText');
  const table = sameRows ? {} : conditionOf(inputs.lines, fields, voice);
  if (table.wrong) wrong('rowsWrong', '#rows');
  const entered = inputs.rowsText === '' ? table.rows : parsedRows(inputs.rowsText);
  const rows = sameRows ? before?.rows : entered;
  if (inputs.rowsText !== '' && !rows) wrong('rowsTextWrong', '#rowsText');
  const moment = (name: 'from' | 'until'): string | undefined => {
    // The form shows minutes.
    if (unchanged(name)) return before?.[name];
    if (inputs[name] === '') return undefined;
    const instant = instantOf(inputs[name], timeZone);
    if (instant === undefined) wrong('momentWrong', `#${name}`);
    return instant;
  };
  const [from, until] = [moment('from'), moment('until')];
  if (errors.length > 0 || !subject) return { errors };
  const needs = needsOf(inputs, before?.needs, unchanged);
  const note = unchanged('note') ? before?.note : inputs.note || undefined;
  const right: Right = {
    subject,
    methods,
    ...(sameFields && before?.fields ? { fields: before.fields } : {}),
    ...(sameFields && before?.otherFields ? { otherFields: before.otherFields } : {}),
    ...(rules ? { fields: rules, ...(inputs.laterFields ? { otherFields: 'plain' as const } : {}) } : {}),
    ...(rows ? { rows } : {}),
    ...(needs ? { needs } : {}),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(note === undefined ? {} : { note }),
  };
  return { right, errors };
}
