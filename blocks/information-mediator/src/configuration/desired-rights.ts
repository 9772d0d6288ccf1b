import { wholeService } from '../directory/access-rights.ts';
import { type Configuration, inOrder, type Member, type Right, rightId } from './configuration.ts';
import { sorted } from './current.ts';
import { same } from './document.ts';
import type { MentionedRight } from './mentioned.ts';

export interface RightsContext {
  readonly current: Configuration;
  readonly members: ReadonlyMap<string, Member>;
  readonly services: ReadonlyMap<string, unknown>;
  /** Whether an application can have rights here. */
  readonly known: (application: string) => boolean;
  /** Rights the mediator needs itself. */
  readonly kept: ReadonlySet<string>;
  readonly updating: boolean;
  readonly refuse: (pointer: string, detail: string) => void;
}

/** Rights as a document makes them: those it names and, of the others, those that stay. */
export function desiredRights(
  mentions: readonly MentionedRight[],
  { current, members, services, known, kept, updating, refuse }: RightsContext,
): Map<string, Right> {
  const rights = new Map<string, Right>();
  for (const [id, right] of current.rights)
    if ((updating || kept.has(id)) && services.has(right.service) && known(right.subject))
      rights.set(id, right);

  const named = Map.groupBy(members.values(), ({ name }) => name);
  const seen = new Set<string>();
  for (const { pointer, service, member, memberId, application, endpoints } of mentions) {
    const owner = memberId ?? memberCalled(member, named);
    if (typeof owner !== 'string') {
      refuse(`${pointer}/member`, owner.refusal);
      continue;
    }
    const subject = `${owner}/${application}`;
    const id = rightId(service, subject);
    if (!known(subject)) refuse(pointer, `${subject} is not an application of this configuration`);
    if (seen.has(id)) refuse(pointer, `${subject} is there twice`);
    seen.add(id);
    const before = current.rights.get(id);
    const usual = (updating ? before?.endpoints : undefined) ?? [wholeService];
    const right = { id, service, subject, endpoints: normalEndpoints(endpoints ?? usual) };
    if (kept.has(id) && before && !same(right, before))
      refuse(pointer, 'cannot be changed: the mediator needs this right');
    rights.set(id, right);
  }
  return inOrder(rights.values());
}

/** A right to everything includes every other. */
function normalEndpoints(endpoints: Right['endpoints']): Right['endpoints'] {
  const whole = endpoints.some(
    ({ method, path }) => method === wholeService.method && path === wholeService.path,
  );
  return whole ? [wholeService] : sorted(endpoints);
}

function memberCalled(
  name: string | undefined,
  named: ReadonlyMap<string, readonly Member[]>,
): string | { readonly refusal: string } {
  if (name === undefined) return { refusal: 'is required, or class and code' };
  const [member, ...others] = named.get(name) ?? [];
  if (member === undefined) return { refusal: `no member of this configuration is called ${name}` };
  return others.length === 0
    ? member.id
    : { refusal: `several members are called ${name}: give class and code` };
}
