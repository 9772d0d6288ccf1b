import type { Text } from '../languages.ts';
import type { SignedInVisit } from '../site/visit.ts';
import type { ProgrammeOfTreasury } from './clients.ts';
import { orRefused } from './refusals.ts';
import { administers, type TreasuryParts } from './shell.ts';

const mostSources = 50;

/** What programmes are called: as their service says, else as the treasury registered them. */
export async function programmeNames({ backend }: TreasuryParts) {
  const known = await backend.payingProgrammes();
  return (programmeId: string, otherwise = programmeId): Text | string =>
    known.get(programmeId)?.name ?? otherwise;
}

export type ProgrammeName = Awaited<ReturnType<typeof programmeNames>>;

/** What banks and operators are called and whether they are in use, for those who may know; others see their codes. */
export async function railsKnown(parts: TreasuryParts, visit: SignedInVisit) {
  if (!administers(parts, visit)) return new Map<string, { name: string; active: boolean }>();
  const { items } = (await parts.clients.admin.listRails({})).body;
  return new Map(items.map(({ railId, name, active }) => [railId, { name, active }]));
}

/** Sources whose programmes somebody may see: all for the treasury's administrators, else those of the runs they see. */
async function sourcesOf(parts: TreasuryParts, visit: SignedInVisit): Promise<string[]> {
  const { admin } = parts.clients;
  if (administers(parts, visit)) return (await admin.listSources({})).body.items.map((one) => one.sourceId);
  const { items } = (await admin.listBatches({ query: { limit: 200 } })).body;
  return [...new Set(items.map((one) => one.sourceId))];
}

/** Programmes that somebody may see, with what each may still spend. */
export async function programmesSeen(
  parts: TreasuryParts,
  visit: SignedInVisit,
): Promise<ProgrammeOfTreasury[]> {
  const sources = (await sourcesOf(parts, visit)).slice(0, mostSources);
  const lists = await Promise.all(
    sources.map((sourceId) => orRefused(parts.clients.admin.listProgrammes({ params: { sourceId } }))),
  );
  return lists.flatMap((list) => list?.body.items ?? []);
}
