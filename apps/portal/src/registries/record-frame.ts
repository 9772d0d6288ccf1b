import type { SignedInVisit } from '../site/visit.ts';
import { refusedWith } from './refusals.ts';
import { frame, isDesigner, type OpenRegistry, type RegistryParts } from './shell.ts';

/** Whether records of the registry are shared by link at all, as far as the person may know. */
async function isShared({ clients }: RegistryParts, { place }: OpenRegistry): Promise<boolean> {
  try {
    return (await clients.sharing(place.owner).getSharing({ params: { code: place.code } })).body.allowed;
  } catch (error) {
    if (!refusedWith(error, 403, 404)) throw error;
    return false;
  }
}

/** The frame of a record's pages, with the pages that are for this person. */
export async function recordFrame(
  parts: RegistryParts,
  visit: SignedInVisit,
  registry: OpenRegistry,
  record: string,
  part: string,
) {
  const address = `${registry.place.base}/records/${record}`;
  const designer = isDesigner(visit);
  const pages = [
    { key: 'data', href: address, shown: true },
    { key: 'history', href: `${address}/history`, shown: true },
    // Who has looked is for analysts, and for the person it is about (REG-6.1-8-c).
    { key: 'readers', href: `${address}/readers`, shown: designer },
    // Analysts find there the switch that lets records be shared (REG-6.1-27-b).
    { key: 'share', href: `${address}/share`, shown: designer || (await isShared(parts, registry)) },
  ];
  return {
    ...frame(visit, registry, 'records'),
    back: `${registry.place.base}/records`,
    record,
    address,
    part,
    parts: pages.filter(({ shown }) => shown),
  };
}
