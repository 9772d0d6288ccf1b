import type { ProblemDetail } from '@govstack/platform';
import { wholeService } from '../directory/access-rights.ts';
import {
  type Application,
  type Configuration,
  defaults,
  inOrder,
  type Member,
  type Right,
  rightId,
  type Service,
} from './configuration.ts';
import { type Current, sorted } from './current.ts';
import { same } from './document.ts';
import { applicationFaults, normalApplication, normalService, serviceFaults } from './entry-checks.ts';
import type { Mentioned } from './mentioned.ts';
import type { Protected } from './protected.ts';

/** `replace`: what a document leaves out goes. `update`: it stays. */
export type Manner = 'replace' | 'update';

export interface Desired {
  readonly configuration: Configuration;
  readonly defects: readonly ProblemDetail[];
}

/**
 * What the configuration becomes when a document is applied to it, and everything that stands against it (digest 5:
 * unknown references, duplicates, bad URLs). Nothing in here touches the directory.
 */
export function desiredOf(
  mentioned: Mentioned,
  { configuration: current, foreign }: Current,
  kept: Protected,
  manner: Manner,
): Desired {
  const defects: ProblemDetail[] = [...mentioned.defects];
  const faulty = new Set(defects.map(({ pointer }) => pointer));
  const refuse = (pointer: string, detail: string): void => {
    if (faulty.has(pointer)) return;
    faulty.add(pointer);
    defects.push({ in: 'body', pointer, detail });
  };
  const updating = manner === 'update';

  if (mentioned.instance !== undefined && mentioned.instance !== current.instance)
    refuse('/instance', `this mediator is of the instance ${current.instance}`);
  if (!updating && mentioned.domain === undefined) refuse('/domain', 'is required');

  /** Entries of one kind: what the document says over what there was, or over what goes without saying. */
  function merged<
    M extends { readonly pointer: string; readonly id: string },
    E extends { readonly id: string },
  >(
    mentions: readonly M[],
    existing: ReadonlyMap<string, E>,
    protectedIds: ReadonlySet<string>,
    entryOf: (mention: M, base: E | undefined) => E,
  ): Map<string, E> {
    const entries = new Map<string, E>();
    for (const [id, entry] of existing) if (updating || protectedIds.has(id)) entries.set(id, entry);
    const seen = new Set<string>();
    for (const mention of mentions) {
      if (seen.has(mention.id)) {
        refuse(mention.pointer, `${mention.id} is there twice`);
        continue;
      }
      seen.add(mention.id);
      const base = updating || protectedIds.has(mention.id) ? existing.get(mention.id) : undefined;
      entries.set(mention.id, entryOf(mention, base));
    }
    return inOrder(entries.values());
  }

  const members = merged<(typeof mentioned.members)[number], Member>(
    mentioned.members,
    current.members,
    kept.members,
    ({ id, pointer, name }, base) => {
      if (name === undefined && !base) refuse(`${pointer}/name`, 'is required');
      return { ...(base ?? defaults.member(id)), ...(name === undefined ? {} : { name }) };
    },
  );
  const applications = merged<(typeof mentioned.applications)[number], Application>(
    mentioned.applications,
    current.applications,
    kept.applications,
    ({ id, said }, base) => ({ ...(base ?? defaults.application(id)), ...said }),
  );
  const services = merged<(typeof mentioned.services)[number], Service>(
    mentioned.services,
    current.services,
    kept.services,
    ({ id, said }, base) => ({ ...(base ?? defaults.service(id)), ...said }),
  );

  const known = (application: string): boolean => applications.has(application) || foreign.has(application);
  const gone = new Set([...current.applications.keys()].filter((id) => !applications.has(id)));
  for (const { id, pointer } of mentioned.applications) {
    const before = current.applications.get(id)?.operators ?? [];
    const mayOperate = (one: string): boolean => known(one) || (before.includes(one) && !gone.has(one));
    const faults = applicationFaults(
      applications.get(id) as Application,
      mayOperate,
      kept.applications.has(id),
    );
    for (const { at, detail } of faults) refuse(`${pointer}${at}`, detail);
    if (faults.length === 0) applications.set(id, normalApplication(applications.get(id) as Application));
  }
  // An operator that goes must not stay behind in the entry of an application the document does not mention.
  for (const [id, application] of applications)
    if (application.operators.some((operator) => gone.has(operator)))
      applications.set(id, {
        ...application,
        operators: application.operators.filter((operator) => !gone.has(operator)),
      });
  for (const { id, pointer } of mentioned.services) {
    const service = services.get(id) as Service;
    const provided = kept.services.has(id) ? current.services.get(id) : undefined;
    for (const { at, detail } of serviceFaults(service, provided)) refuse(`${pointer}${at}`, detail);
    services.set(id, normalService(service));
  }

  const rights = new Map<string, Right>();
  for (const [id, right] of current.rights) {
    const stays = updating || kept.rights.has(id);
    if (stays && services.has(right.service) && known(right.subject)) rights.set(id, right);
  }
  const memberIds = idsByName(members);
  const seen = new Set<string>();
  for (const { pointer, service, member, memberId, application, endpoints } of mentioned.rights) {
    const owner = memberId ?? memberNamed(member, memberIds);
    if (typeof owner !== 'string') {
      refuse(`${pointer}/member`, owner.refusal);
      continue;
    }
    const subject = `${owner}/${application}`;
    const id = rightId(service, subject);
    if (!known(subject)) refuse(pointer, `${subject} is not an application of this configuration`);
    if (seen.has(id)) refuse(pointer, `${subject} is there twice`);
    seen.add(id);
    const before = updating ? current.rights.get(id)?.endpoints : undefined;
    const right = { id, service, subject, endpoints: normalEndpoints(endpoints ?? before ?? [wholeService]) };
    if (kept.rights.has(id) && current.rights.has(id) && !same(right, current.rights.get(id)))
      refuse(pointer, 'cannot be changed: the mediator needs this right');
    rights.set(id, right);
  }

  return {
    configuration: {
      instance: current.instance,
      domain: mentioned.domain ?? current.domain,
      members,
      applications,
      services,
      rights: inOrder(rights.values()),
    },
    defects,
  };
}

/** A right to everything includes every other. */
function normalEndpoints(endpoints: Right['endpoints']): Right['endpoints'] {
  const whole = endpoints.some(
    ({ method, path }) => method === wholeService.method && path === wholeService.path,
  );
  return whole ? [wholeService] : sorted(endpoints);
}

function idsByName(members: ReadonlyMap<string, Member>): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const { id, name } of members.values()) ids.set(name, [...(ids.get(name) ?? []), id]);
  return ids;
}

function memberNamed(
  name: string | undefined,
  memberIds: ReadonlyMap<string, readonly string[]>,
): string | { readonly refusal: string } {
  if (name === undefined) return { refusal: 'is required, or class and code' };
  const [id, ...others] = memberIds.get(name) ?? [];
  if (id === undefined) return { refusal: `no member of this configuration is called ${name}` };
  return others.length === 0 ? id : { refusal: `several members are called ${name}: give class and code` };
}
