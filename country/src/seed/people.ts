import { clientManagement, enrolment } from '@govstack/identity/api';
import { agencies } from '../lumora/directory.ts';
import type { Household, Person } from '../population/household.ts';
import { type As, applications } from './directory.ts';

const officer = (
  login: string,
  given: string,
  family: string,
  role: string | readonly string[],
  agency: string,
  label: Record<string, string>,
  position: number,
) => ({
  aliases: { login },
  attributes: { given_name: given, family_name: family, locale: 'en' },
  pin: '2468',
  appointments: [role].flat().map((one) => ({ agency, role: one })),
  persona: { label, position },
});

/** The people who work in the demonstration, each one click away. */
const staff = [
  officer(
    'officer',
    'Omar',
    'Vey',
    'officer',
    agencies.MSP.id,
    {
      en: 'Omar, officer who decides on applications',
      fr: 'Omar, agent qui décide des demandes',
      ar: 'عمر، موظف يبت في الطلبات',
    },
    10,
  ),
  officer(
    'second-officer',
    'Lina',
    'Sark',
    'officer',
    agencies.MSP.id,
    {
      en: 'Lina, officer who decides on appeals',
      fr: 'Lina, agente qui décide des recours',
      ar: 'لينا، موظفة تبت في التظلمات',
    },
    20,
  ),
  officer(
    'manager',
    'Mina',
    'Tarsa',
    'programme-manager',
    agencies.MSP.id,
    {
      en: 'Mina, manager of the programme',
      fr: 'Mina, responsable du programme',
      ar: 'مينا، مديرة البرنامج',
    },
    11,
  ),
  officer(
    'approver',
    'Pavel',
    'Ondo',
    'payment-approver',
    agencies.TRE.id,
    {
      en: 'Pavel, approves payments at the Treasury',
      fr: 'Pavel, approuve les paiements au Trésor',
      ar: 'بافل، يوافق على الدفعات في الخزانة',
    },
    12,
  ),
  officer(
    'auditor',
    'Aya',
    'Lindo',
    'auditor',
    agencies.DGA.id,
    { en: 'Aya, auditor', fr: 'Aya, auditrice', ar: 'آية، مدققة' },
    13,
  ),
  officer(
    'administrator',
    'Dara',
    'Senn',
    'administrator',
    agencies.DGA.id,
    {
      en: 'Dara, governs the exchange between agencies',
      fr: 'Dara, gouverne les échanges entre organismes',
      ar: 'دارا، تدير التبادل بين الجهات',
    },
    14,
  ),
  officer(
    'msp-administrator',
    'Ivo',
    'Marek',
    ['administrator', 'process-data-reader'],
    agencies.MSP.id,
    {
      en: 'Ivo, administrator of the applications and processes of the Ministry of Social Protection',
      fr: 'Ivo, administrateur des applications et processus du ministère de la Protection sociale',
      ar: 'إيفو، مدير تطبيقات وعمليات وزارة الحماية الاجتماعية',
    },
    15,
  ),
  officer(
    'treasurer',
    'Nadir',
    'Halo',
    'administrator',
    agencies.TRE.id,
    {
      en: 'Nadir, treasury officer who administers payments',
      fr: 'Nadir, agent du Trésor qui administre les paiements',
      ar: 'نادر، موظف الخزانة الذي يدير المدفوعات',
    },
    19,
  ),
  officer(
    'registry-analyst',
    'Sana',
    'Quill',
    'registry-analyst',
    agencies.CRA.id,
    {
      en: 'Sana, designs the registers of the Civil Registration Authority',
      fr: "Sana, conçoit les registres de l'Autorité de l'état civil",
      ar: 'سناء، تصمم سجلات هيئة الأحوال المدنية',
    },
    16,
  ),
  officer(
    'registrar',
    'Teo',
    'Brand',
    'registrar',
    agencies.CRA.id,
    {
      en: 'Teo, registrar at the Civil Registration Authority',
      fr: "Teo, officier de l'Autorité de l'état civil",
      ar: 'تيو، أمين سجل في هيئة الأحوال المدنية',
    },
    17,
  ),
  officer(
    'revenue-manager',
    'Rosa',
    'Hale',
    'biller-manager',
    agencies.LRA.id,
    {
      en: 'Rosa, looks after the bills of the Revenue Authority',
      fr: "Rosa, s'occupe des factures de l'Administration fiscale",
      ar: 'روزا، تعتني بفواتير هيئة الإيرادات',
    },
    18,
  ),
];

const toPerson = (person: Person, persona?: { label: Record<string, string>; position: number }) => ({
  aliases: {
    'national-number': person.nationalNumber,
    ...(person.email === undefined ? {} : { email: person.email }),
  },
  attributes: {
    given_name: person.givenName,
    family_name: person.familyName,
    birthdate: person.birthDate,
    gender: person.sex,
    national_number: person.nationalNumber,
    ...(person.email === undefined ? {} : { email: person.email }),
    ...(person.phone === undefined ? {} : { phone_number: person.phone }),
  },
  ...(persona ? { pin: '1357', persona } : {}),
});

/** Citizens for the first page: a poor one, one who is better off, one whose land tells another story. */
function personasOf(
  households: readonly Household[],
): { household: Household; label: Record<string, string> }[] {
  const plain = households.filter(
    (one) =>
      one.truth.contradiction === undefined &&
      one.truth.badAccount === undefined &&
      one.members[0].phone !== undefined,
  );
  const byWelfare = [...plain].sort((left, right) => left.truth.welfare - right.truth.welfare);
  const poor = byWelfare[Math.floor(byWelfare.length / 20)];
  const rich = byWelfare[byWelfare.length - 1 - Math.floor(byWelfare.length / 20)];
  const contradicting = households.find((one) => one.truth.contradiction === 'hidden-land');
  const named = (household: Household | undefined, words: (name: string) => Record<string, string>) =>
    household ? [{ household, label: words(household.members[0].givenName) }] : [];
  return [
    ...named(poor, (name) => ({
      en: `${name}, head of a poor household`,
      fr: `${name}, chef d'un ménage pauvre`,
      ar: `${name}، رب أسرة فقيرة`,
    })),
    ...named(rich, (name) => ({
      en: `${name}, head of a household that is better off`,
      fr: `${name}, chef d'un ménage plus aisé`,
      ar: `${name}، رب أسرة ميسورة`,
    })),
    ...named(contradicting, (name) => ({
      en: `${name}, who owns more land than told`,
      fr: `${name}, qui possède plus de terre que déclaré`,
      ar: `${name}، يملك أرضًا أكثر مما صرّح به`,
    })),
  ];
}

/** Enrols the officers. Repeating it changes nothing. */
export async function seedStaff(as: As): Promise<void> {
  const people = as(applications.governance).client(
    enrolment,
    `${applications.identity}/identity-enrolment-v1`,
  );
  await people.enrolPersons({ body: { persons: staff } });
}

/** Enrols the heads of the households; three of them become personas. Repeating it changes nothing. */
export async function seedPeople(as: As, households: readonly Household[]): Promise<void> {
  const people = as(applications.governance).client(
    enrolment,
    `${applications.identity}/identity-enrolment-v1`,
  );
  const personas = new Map(
    personasOf(households).map(({ household, label }, index) => [
      household.id,
      { label, position: index + 1 },
    ]),
  );
  const heads = households
    .filter((one) => one.truth.contradiction !== 'deceased-head')
    .map((household) => toPerson(household.members[0], personas.get(household.id)));
  for (let index = 0; index < heads.length; index += 100) {
    await people.enrolPersons({ body: { persons: heads.slice(index, index + 100) } });
  }
}

/** Registers the portal as relying party, or brings its registration up to date. */
export async function seedPortalClient(
  as: As,
  publicUrl: string,
  publicKey: Readonly<Record<string, unknown>>,
): Promise<void> {
  const clients = as(applications.governance).client(
    clientManagement,
    `${applications.identity}/identity-client-mgmt-v1`,
  );
  const request = {
    clientId: 'portal',
    clientName: 'Portal of Lumora',
    relyingPartyId: 'portal',
    logoUri: `${publicUrl}/emblem.svg`,
    redirectUris: [`${publicUrl}/sign-in/callback`],
    postLogoutRedirectUris: [`${publicUrl}/`, `${publicUrl}/signed-out`],
    authContextRefs: ['idbb:acr:static-code'],
    publicKey: { ...publicKey },
    userClaims: ['name', 'given_name', 'family_name', 'birthdate', 'national_number'],
    grantTypes: ['authorization_code'],
    clientAuthMethods: ['private_key_jwt'],
  };
  const body = () => ({ requestTime: new Date().toISOString(), request });
  const created = await clients.createOidcClient({ body: body() });
  const failed = created.body.errors[0];
  if (!failed) return;
  if (failed.errorCode !== 'duplicate_client_id')
    throw new Error(`the portal could not be registered: ${failed.errorMessage}`);
  const updated = await clients.updateOidcClient({ params: { client_id: 'portal' }, body: body() });
  if (updated.body.errors[0])
    throw new Error(`the portal could not be updated: ${updated.body.errors[0].errorMessage}`);
}
