import { badRequest, compileValidator, type ProblemDetail } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import type { Kysely } from 'kysely';
import { GivenRights } from '../api/configuration/operations.ts';
import type { MediatorTables } from '../tables.ts';
import type { NamedPair } from './allow-list.ts';

const shapeDefects = compileValidator(GivenRights, 'body', false);

type Consumer = Static<typeof GivenRights>[number]['rights'][number];

/** Reads the rows of a bulk change of rights; consumers by class, code and id, or by the name of their member. */
export async function readPairs(
  db: Kysely<MediatorTables>,
  instance: string,
  given: unknown,
): Promise<NamedPair[]> {
  if (given === undefined) return [];
  const defects: ProblemDetail[] = [...(shapeDefects(given) ?? [])];
  if (defects.length > 0) throw badRequest('The rights are not well-formed', defects);
  const rows = given as Static<typeof GivenRights>;
  const names = rows.flatMap(({ rights }) => rights.flatMap(({ member }) => member ?? []));
  const members = await db
    .selectFrom('member')
    .select(['id', 'name'])
    .where('instance_code', '=', instance)
    .where('name', 'in', names.length === 0 ? [''] : [...new Set(names)])
    .execute();

  function memberOf({ memberClass, memberCode, member }: Consumer, pointer: string): string | undefined {
    if (memberClass !== undefined && memberCode !== undefined)
      return `${instance}/${memberClass}/${memberCode}`;
    const ids = members.filter(({ name }) => name === member).map(({ id }) => id);
    if (ids.length === 1) return ids[0];
    const detail =
      member === undefined
        ? 'needs memberClass and memberCode, or member'
        : ids.length === 0
          ? `no member is called ${member}`
          : `several members are called ${member}: give memberClass and memberCode`;
    defects.push({ in: 'body', pointer, detail });
    return undefined;
  }

  const pairs = rows.flatMap((row, index) =>
    row.rights.flatMap((consumer, place): NamedPair[] => {
      const pointer = `/${index}/rights/${place}`;
      const member = memberOf(consumer, pointer);
      const application = consumer.applicationId ?? consumer.application;
      if (application === undefined)
        defects.push({ in: 'body', pointer: `${pointer}/applicationId`, detail: 'is required' });
      if (member === undefined || application === undefined) return [];
      const service = [instance, row.memberClass, row.memberCode, row.applicationId, row.serviceId].join('/');
      return [{ pointer, service, subject: `${member}/${application}` }];
    }),
  );
  if (defects.length > 0) throw badRequest('The rights are not well-formed', defects);
  return pairs;
}
