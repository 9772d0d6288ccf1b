import { memberOf } from '@govstack/platform';
import type { Kysely } from 'kysely';
import { putRight, wholeService } from '../../directory/access-rights.ts';
import { putApplication, putInstance, putMember, putService } from '../../directory/registration.ts';
import type { MediatorTables } from '../../tables.ts';

/** The providers of the suite's test data; each has one service of this code. */
const providers = [
  'identifier/identifier/alp4aNum3r1c/alp4aNum3r1c',
  'a11a11a11a/asd2211a/12as12/m3mb3rc0d3',
  'a552example/zzz321a/m3mb3rc0d3/aa15',
  'valid1dentifi3r/rand0mid3nt/str1ng/azxcv55',
];
const serviceCode = 'alp4aNum3r1c';
/** Who the suite says it is. */
const client = 'eGovStack/GOV/90000009/digitalregistries';

const description = {
  openapi: '3.0.3',
  info: { title: 'A service of the compliance suite', version: '1.0.0' },
  paths: { '/things': { get: { responses: { 200: { description: 'Things' } } } } },
};

/** Registers what the official suite expects to find. */
export async function seedSuite(db: Kysely<MediatorTables>): Promise<void> {
  for (const application of [client, ...providers]) {
    const member = memberOf(application);
    await putInstance(db, application.split('/')[0] as string);
    await putMember(db, { id: member, name: member });
    await putApplication(db, { id: application, name: application });
  }
  for (const application of providers) {
    const service = `${application}/${serviceCode}`;
    await putService(db, {
      id: service,
      title: 'A service of the compliance suite',
      target: 'https://service.example',
      openapi: description,
    });
    await putRight(db, { service, subject: client, endpoints: [wholeService], grantedBy: client });
  }
}
