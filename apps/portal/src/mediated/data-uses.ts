import type { Backend, DataUse } from '../backend.ts';
import type { RegistrySettings } from '../site/settings.ts';
import type { Clients } from './clients.ts';
import type { Names } from './names.ts';

const perRegistry = 200;

/** `birthDate` as people read it. */
const inWords = (field: string): string => field.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();

/** Who has read the person's data, from the read logs of every registry the country has listed. */
export function createDataUses(
  clients: Clients,
  registries: readonly RegistrySettings[],
  names: Names,
): Pick<Backend, 'dataUses'> {
  return {
    async dataUses(viewer, { page, size }) {
      const identifier = viewer.claims.national_number;
      if (typeof identifier !== 'string') return { items: [], hasMore: false };
      const logs = await Promise.all(
        registries.map(async (registry): Promise<DataUse[]> => {
          const body = { identifier, limit: perRegistry };
          const uses = (await clients.registry(registry.service).queryUsage({ body })).body;
          return uses.map((use) => ({
            id: use.id,
            at: use.time,
            reader: names.member(use.readerApplication),
            registry: registry.name ?? use.registryName,
            purpose: use.purpose ?? use.legalGround ?? '',
            fields: use.fields.map(inWords),
            legalBasis: use.consentReference === null ? 'law' : 'consent',
            ...(use.consentReference === null ? {} : { consentId: use.consentReference }),
          }));
        }),
      );
      const all = logs.flat().sort((left, right) => right.at.localeCompare(left.at));
      const from = (page - 1) * size;
      return { items: all.slice(from, from + size), hasMore: all.length > from + size, total: all.length };
    },
  };
}
