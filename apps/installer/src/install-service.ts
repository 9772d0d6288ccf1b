import { consentApi } from '@govstack/consent/api';
import { registryDatabase, registryMappings } from '@govstack/digital-registries/api';
import { messagingApi } from '@govstack/messaging/api';
import type { Mediation } from '@govstack/platform';
import { registrationDesign } from '@govstack/registration/api';
import { workflowApi } from '@govstack/workflow/api';
import { BpmnModdle } from 'bpmn-moddle';
import { readBundle, type ServiceBundle } from './bundle.ts';

export type { ServiceBundle } from './bundle.ts';

/** Services of the building blocks as the country has named them. */
export interface BlockServices {
  readonly consent: string;
  readonly registration: string;
  readonly workflow: string;
  readonly messaging: string;
}

export interface InstallOptions {
  readonly folder: string;
  readonly instance: string;
  readonly blocks: BlockServices;
  /** Calls as an application of the country: the service's own, and those of the agencies it asks. */
  readonly as: (application: string) => Mediation;
}

export interface InstalledService {
  readonly serviceId: string;
  readonly eFormId: string;
  readonly application: string;
  readonly dataAgreementId: string;
}

/** Name of a process as it is drawn, or else its key. */
async function nameOfProcess(bpmn: string, key: string): Promise<string> {
  const { elementsById } = await new BpmnModdle().fromXML(bpmn);
  return (elementsById[key]?.get('name') as string | undefined) ?? key;
}

/** The agreement of this version that is there already, or a new one under a new policy. */
async function installConsent(bundle: ServiceBundle, mediation: Mediation, service: string): Promise<string> {
  const consent = mediation.client(consentApi, service);
  const wanted = bundle.consent.dataAgreement as { version: string; purpose: string };
  const { dataAgreements } = (await consent.listDataAgreements({ query: { limit: 500 } })).body;
  const existing = dataAgreements.find(
    (one) => one.purpose === wanted.purpose && one.version === wanted.version && one.active !== false,
  );
  if (existing?.id !== undefined) return existing.id;
  const { policy } = (
    await consent.createPolicy({
      body: { policy: bundle.consent.policy as never },
      idempotencyKey: `install/${bundle.declaration.code}/policy/${bundle.consent.policy.version}`,
    })
  ).body;
  const { dataAgreement } = (
    await consent.createDataAgreement({
      body: { dataAgreement: { ...bundle.consent.dataAgreement, policyId: policy.id } as never },
      idempotencyKey: `install/${bundle.declaration.code}/agreement/${wanted.version}`,
    })
  ).body;
  return dataAgreement.id as string;
}

/**
 * Applies a folder of `services/` through the blocks' published APIs: registries, rights to read, consent, messages,
 * processes, form. Applying it again changes nothing.
 */
export async function installService(options: InstallOptions): Promise<InstalledService> {
  const bundle = readBundle(options.folder);
  const { declaration } = bundle;
  const full = (id: string): string => `${options.instance}/${id}`;
  const application = full(declaration.owner);
  const own = options.as(application);

  const owner = full(declaration.registries.owner);
  const database = options.as(owner).client(registryDatabase, `${owner}/registry-database-v1`);
  for (const { code, name, group, schema } of bundle.registries) {
    await database.modifyRegistry({ body: { groupName: group, catalogName: name, code, schema } });
  }
  const mappings = options.as(owner).client(registryMappings, `${owner}/registry-mappings-v1`);
  for (const [mapping, body] of Object.entries(bundle.mappings))
    await mappings.putMapping({ params: { mapping }, body: body as never });
  for (const { owner: agency, registry, methods, fields } of declaration.reads) {
    const provider = full(agency);
    const registries = options.as(provider).client(registryDatabase, `${provider}/registry-database-v1`);
    await registries.putAccess({
      params: { code: registry },
      body: { application, methods: [...methods], fields: [...fields] },
    });
  }

  const dataAgreementId = await installConsent(bundle, own, options.blocks.consent);

  const messaging = own.client(messagingApi, options.blocks.messaging);
  for (const [code, template] of Object.entries(bundle.messages)) {
    await messaging.putTemplate({ params: { code }, body: template });
  }

  const workflow = own.client(workflowApi, options.blocks.workflow);
  for (const process of declaration.processes) {
    const texts = [
      { code: 'bpmn20xml', value: bundle.texts.get(process.bpmn) as string },
      ...process.dmn.map((file) => ({ code: 'dmn', value: bundle.texts.get(file) as string })),
    ];
    await workflow.addProcess({
      body: {
        name: await nameOfProcess(bundle.texts.get(process.bpmn) as string, process.key),
        type: 'Private',
        version: '1.0',
        isExecutable: true,
        isClosed: false,
        description: '',
        processBody: texts,
      },
    });
  }

  const design = own.client(registrationDesign, options.blocks.registration);
  const { body } = await design.putService({
    params: { code: declaration.code },
    body: {
      name: { ...declaration.name },
      description: { ...declaration.description },
      sheet: { ...declaration.sheet },
      eForm: bundle.eForm,
      process: { service: options.blocks.workflow, processId: declaration.startProcess },
      consent: { dataAgreementId },
      ...(declaration.onePerApplicant === undefined ? {} : { onePerApplicant: declaration.onePerApplicant }),
      ...(declaration.requests === undefined ? {} : { requests: declaration.requests as never }),
      ...(declaration.timeZone === undefined ? {} : { timeZone: declaration.timeZone }),
    },
  });
  return { serviceId: body.serviceId, eFormId: body.eFormId, application, dataAgreementId };
}
