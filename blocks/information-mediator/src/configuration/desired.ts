import type { ProblemDetail } from '@govstack/platform';
import {
  type Application,
  type Configuration,
  defaults,
  inOrder,
  type Member,
  type Service,
} from './configuration.ts';
import type { Current } from './current.ts';
import { desiredRights } from './desired-rights.ts';
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
    // Another release may call its own services otherwise; documents from before must still apply.
    services.set(id, normalService(provided ? { ...service, title: provided.title } : service));
  }

  const rights = desiredRights(mentioned.rights, {
    current,
    members,
    services,
    known,
    kept: kept.rights,
    updating,
    refuse,
  });
  return {
    configuration: {
      instance: current.instance,
      domain: mentioned.domain ?? current.domain,
      members,
      applications,
      services,
      rights,
    },
    defects,
  };
}
