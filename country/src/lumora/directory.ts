import { instance } from './republic.ts';
import type { Text } from './text.ts';

export type MemberClass = 'GOV' | 'COM';

/** An organisation of the country as a member of the information mediator. */
export interface Agency {
  readonly memberClass: MemberClass;
  readonly code: string;
  /** INSTANCE/CLASS/MEMBER */
  readonly id: string;
  readonly name: Text;
  /** What it is responsible for, for people who look behind the scenes. */
  readonly task: Text;
}

const agency = (memberClass: MemberClass, code: string, name: Text, task: Text): Agency => ({
  memberClass,
  code,
  id: `${instance}/${memberClass}/${code}`,
  name,
  task,
});

export const agencies = {
  DGA: agency(
    'GOV',
    'DGA',
    {
      en: 'Digital Government Agency',
      fr: 'Agence du numérique gouvernemental',
      ar: 'وكالة الحكومة الرقمية',
    },
    {
      en: 'Runs the shared building blocks and the portal',
      fr: 'Exploite les briques communes et le portail',
      ar: 'تدير المكوّنات المشتركة والبوابة',
    },
  ),
  MSP: agency(
    'GOV',
    'MSP',
    {
      en: 'Ministry of Social Protection',
      fr: 'Ministère de la Protection sociale',
      ar: 'وزارة الحماية الاجتماعية',
    },
    {
      en: 'Runs the social cash transfer',
      fr: 'Gère le transfert monétaire social',
      ar: 'تدير برنامج التحويلات النقدية الاجتماعية',
    },
  ),
  CRA: agency(
    'GOV',
    'CRA',
    {
      en: 'Civil Registration Authority',
      fr: "Autorité de l'état civil",
      ar: 'هيئة الأحوال المدنية',
    },
    {
      en: 'Keeps births, marriages and deaths',
      fr: 'Tient les naissances, mariages et décès',
      ar: 'تسجّل المواليد والزيجات والوفيات',
    },
  ),
  NLA: agency(
    'GOV',
    'NLA',
    {
      en: 'National Land Agency',
      fr: 'Agence nationale du foncier',
      ar: 'الوكالة الوطنية للأراضي',
    },
    {
      en: 'Keeps the register of land parcels',
      fr: 'Tient le registre des parcelles',
      ar: 'تمسك سجل قطع الأراضي',
    },
  ),
  LRA: agency(
    'GOV',
    'LRA',
    {
      en: 'Lumora Revenue Authority',
      fr: 'Administration fiscale de Lumora',
      ar: 'هيئة الإيرادات في لومورا',
    },
    {
      en: 'Keeps the register of taxpayers',
      fr: 'Tient le registre des contribuables',
      ar: 'تمسك سجل دافعي الضرائب',
    },
  ),
  MOA: agency(
    'GOV',
    'MOA',
    { en: 'Ministry of Agriculture', fr: "Ministère de l'Agriculture", ar: 'وزارة الزراعة' },
    {
      en: 'Keeps the register of farmers',
      fr: 'Tient le registre des agriculteurs',
      ar: 'تمسك سجل المزارعين',
    },
  ),
  MOH: agency(
    'GOV',
    'MOH',
    { en: 'Ministry of Health', fr: 'Ministère de la Santé', ar: 'وزارة الصحة' },
    {
      en: 'Keeps the register of disabilities',
      fr: 'Tient le registre des handicaps',
      ar: 'تمسك سجل الإعاقات',
    },
  ),
  TRE: agency(
    'GOV',
    'TRE',
    { en: 'Treasury', fr: 'Trésor public', ar: 'الخزانة العامة' },
    { en: 'Pays for the government', fr: "Paie pour l'État", ar: 'تدفع نيابة عن الحكومة' },
  ),
  FNB: agency(
    'COM',
    'FNB',
    {
      en: 'First National Bank of Lumora',
      fr: 'Première banque nationale de Lumora',
      ar: 'بنك لومورا الوطني الأول',
    },
    { en: 'Holds bank accounts', fr: 'Tient des comptes bancaires', ar: 'يمسك الحسابات المصرفية' },
  ),
  LMM: agency(
    'COM',
    'LMM',
    { en: 'Lumora Mobile Money', fr: 'Lumora Mobile Money', ar: 'لومورا للنقود عبر الهاتف' },
    { en: 'Holds mobile wallets', fr: 'Tient des portefeuilles mobiles', ar: 'تمسك المحافظ الهاتفية' },
  ),
  TEL: agency(
    'COM',
    'TEL',
    { en: 'Lumora Telecom', fr: 'Lumora Télécom', ar: 'لومورا للاتصالات' },
    { en: 'Carries text messages', fr: 'Achemine les SMS', ar: 'تنقل الرسائل النصية' },
  ),
} as const;
export type AgencyCode = keyof typeof agencies;

/** Mediator id of an application of an agency: INSTANCE/CLASS/MEMBER/APPLICATION. */
export const applicationId = (code: AgencyCode, application: string): string =>
  `${agencies[code].id}/${application}`;
