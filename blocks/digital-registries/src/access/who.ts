import { memberOf, type Person } from '@govstack/platform';
import type { Group, Member, Right, Subject } from '../api/rights/right.ts';
import type { Attributes } from './predicate.ts';

/** Who asks, as rights look at it. */
export interface Asker {
  /** Whose registries are asked for. */
  readonly owner: string;
  readonly application: string;
  /** The application stands for nobody: the person has exactly their own rights. */
  readonly console: boolean;
  readonly person: Person | undefined;
  readonly purpose: string | undefined;
}

type Groups = ReadonlyMap<string, Group>;

/** `registrar` is that role and no other; `registrar:*` is one for any one thing. */
const holdsRole = (person: Person, role: string): boolean =>
  role.endsWith(':*')
    ? person.roles.some((one) => one.startsWith(role.slice(0, -1)))
    : person.roles.includes(role);

const hasRole = (
  person: Person | undefined,
  role: string,
  agency: string | undefined,
  owner: string,
): boolean =>
  person !== undefined &&
  holdsRole(person, role) &&
  person.agency !== undefined &&
  (agency === '*' || person.agency === (agency ?? memberOf(owner)));

const isMember = (
  member: Member,
  who: { application?: string; person?: Person | undefined; owner: string },
): boolean =>
  (member.application !== undefined && member.application === who.application) ||
  (member.person !== undefined && member.person === who.person?.id) ||
  (member.role !== undefined && hasRole(who.person, member.role, member.agency, who.owner));

const inGroup = (groups: Groups, name: string, who: Parameters<typeof isMember>[1]): boolean =>
  groups.get(name)?.members.some((member) => isMember(member, who)) ?? false;

/** Whether a right is an application's own. What anybody may, it may too. */
export function isApplications(subject: Subject, { application, owner }: Asker, groups: Groups): boolean {
  switch (subject.kind) {
    case 'application':
      return subject.application === application;
    case 'group':
      return inGroup(groups, subject.group, { application, owner });
    case 'anonymous':
      return true;
    default:
      return false;
  }
}

/** Whether a right is the person's; nobody's person has what anonymous users have. */
export function isPersons(subject: Subject, { person, owner }: Asker, groups: Groups): boolean {
  switch (subject.kind) {
    case 'person':
      return subject.person === person?.id;
    case 'role':
      return hasRole(person, subject.role, subject.agency, owner);
    case 'group':
      return person !== undefined && inGroup(groups, subject.group, { person, owner });
    case 'signed-in':
    case 'record-owner':
      return person !== undefined;
    case 'anonymous':
      return true;
    case 'application':
      return false;
  }
}

/** Whether a right is in force at a moment. */
export const isValid = ({ from, until }: Right, now: Date): boolean =>
  (from === undefined || new Date(from) <= now) && (until === undefined || new Date(until) > now);

/** What is known of who asks, under the names that conditions use. */
export function attributesOf(
  { application, person, purpose, owner, console }: Asker,
  groups: Groups,
): Attributes {
  const who = { ...(console ? {} : { application }), person, owner };
  const some = (value: string | undefined): string[] => (value === undefined ? [] : [value]);
  return (name) => {
    const [kind, rest] = name.split(/:(.*)/s, 2) as [string, string | undefined];
    switch (kind) {
      case 'person':
        return some(person?.id);
      case 'agency':
        return some(person?.agency);
      case 'roles':
        return person?.roles ?? [];
      case 'acr':
        return some(person?.acr);
      case 'client':
        return some(person?.client);
      case 'application':
        return [application];
      case 'member':
        return [memberOf(application)];
      case 'purpose':
        return some(purpose);
      case 'groups':
        return [...groups.keys()].filter((group) => inGroup(groups, group, who));
      case 'role':
        return (person?.roles ?? [])
          .filter((role) => role.startsWith(`${rest}:`))
          .map((role) => role.slice(`${rest}:`.length));
      case 'attribute':
        return [
          ...new Set(
            [...groups.values()]
              .flatMap(({ members }) => members)
              .filter((member) => member.attributes?.[rest ?? ''] && isMember(member, who))
              .flatMap((member) => member.attributes?.[rest ?? ''] ?? []),
          ),
        ];
      default:
        return [];
    }
  };
}
