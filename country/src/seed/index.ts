import { defaultSeed, generateHouseholds } from '../population/generate.ts';
import type { As, PartyAddresses } from './directory.ts';
import { seedDirectory } from './directory.ts';
import { seedMappings } from './mappings.ts';
import { seedPayers, seedPayments } from './payments.ts';
import { seedPeople, seedStaff } from './people.ts';
import { loadRecords, seedAutomations, seedRegisters } from './registries.ts';

export { type As, applications, type PartyAddress, type PartyAddresses, seedDirectory } from './directory.ts';
export { inParallel } from './in-parallel.ts';
export { seedMappings } from './mappings.ts';
export { onboardPropertyTax, propertyTaxPrefix, seedPayments } from './payments.ts';
export { seedPeople, seedPortalClient } from './people.ts';
export { loadRecords, seedRegisters } from './registries.ts';

export interface SeedOptions {
  readonly parties: PartyAddresses;
  readonly households: number;
  /** Enrol the heads of the households as people who can sign in. */
  readonly people: boolean;
  readonly progress: (message: string) => void;
}

/** Brings the demonstration country into being through the published APIs. Safe to repeat. */
export async function seedCountry(as: As, options: SeedOptions): Promise<void> {
  const { households: count, progress } = options;
  progress('writing the directory: agencies, applications, services, rights');
  await seedDirectory(as, options.parties);
  progress('making the registers: civil, land, tax, farmers, disabilities');
  await seedRegisters(as);
  await seedAutomations(as);
  await seedMappings(as);
  const records = await loadRecords(as, generateHouseholds({ count }), `${defaultSeed}/${count}`);
  progress(`${records} records of ${count} households are in the registers`);
  await seedStaff(as);
  if (options.people) {
    await seedPeople(as, [...generateHouseholds({ count })]);
    progress('people are enrolled');
  }
  await seedPayments(as, options.parties, '100000000.00');
  await seedPayers(as);
  progress('rails, programme and budget are set up');
}
