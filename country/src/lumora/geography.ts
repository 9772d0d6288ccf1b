import type { Text } from './text.ts';

export interface Province {
  readonly code: string;
  readonly name: Text;
}

export interface District {
  /** Two digits of the province, two of the district. */
  readonly code: string;
  readonly province: string;
  readonly name: Text;
  /** Share of the country's households, in parts of 1,000. */
  readonly weight: number;
  /** Share of its households that live in towns, 0 to 1. */
  readonly urban: number;
  /** How much better off the district is than the country, in standard deviations of household welfare. */
  readonly welfare: number;
}

const province = (code: string, en: string, fr: string, ar: string): Province => ({
  code,
  name: { en, fr, ar },
});

const district = (
  code: string,
  [en, fr, ar]: readonly [string, string, string],
  weight: number,
  urban: number,
  welfare: number,
): District => ({ code, province: code.slice(0, 2), name: { en, fr, ar }, weight, urban, welfare });

export const provinces: readonly Province[] = [
  province('01', 'Solenne', 'Solenne', 'سولين'),
  province('02', 'Coast of Amare', "Côte d'Amare", 'ساحل أماري'),
  province('03', 'Tessaly Plain', 'Plaine de Tessaly', 'سهل تيسالي'),
  province('04', 'High Brenna', 'Haute Brenna', 'برينا العليا'),
  province('05', 'Orrin Valley', "Vallée d'Orrin", 'وادي أورين'),
  province('06', 'Eastern Dahla', 'Dahla orientale', 'دهلة الشرقية'),
];

/** 24 districts, from the capital to the dry east. */
export const districts: readonly District[] = [
  district('0101', ['Lumora City', 'Lumora-Ville', 'مدينة لومورا'], 120, 0.97, 0.75),
  district('0102', ['Port Solenne', 'Port-Solenne', 'ميناء سولين'], 70, 0.85, 0.5),
  district('0103', ['Marvane', 'Marvane', 'مارفان'], 50, 0.6, 0.3),
  district('0104', ['Upper Solenne', 'Haut-Solenne', 'سولين الأعلى'], 35, 0.35, 0.05),
  district('0201', ['Amare Bay', "Baie d'Amare", 'خليج أماري'], 60, 0.65, 0.35),
  district('0202', ['Calessa', 'Calessa', 'كاليسا'], 45, 0.45, 0.15),
  district('0203', ['Saltmere', 'Étang-Salé', 'بحيرة الملح'], 35, 0.3, -0.05),
  district('0204', ['Nuvara Islands', 'Îles Nuvara', 'جزر نوفارا'], 20, 0.2, -0.1),
  district('0301', ['Tessaly', 'Tessaly', 'تيسالي'], 55, 0.5, 0.15),
  district('0302', ['Orvando', 'Orvando', 'أورفاندو'], 50, 0.3, 0),
  district('0303', ['Ketira', 'Ketira', 'كتيرا'], 45, 0.2, -0.15),
  district('0304', ['Long Fields', 'Longs-Champs', 'الحقول الطويلة'], 40, 0.15, -0.1),
  district('0401', ['Brenna Town', 'Brenna-Ville', 'مدينة برينا'], 40, 0.55, 0.1),
  district('0402', ['Stonepass', 'Col-de-Pierre', 'ممر الحجر'], 30, 0.1, -0.35),
  district('0403', ['Ilvaro', 'Ilvaro', 'إيلفارو'], 30, 0.1, -0.3),
  district('0404', ['Cloudmoor', 'Lande-des-Nuées', 'مرج الغيوم'], 20, 0.05, -0.45),
  district('0501', ['Orrin', 'Orrin', 'أورين'], 45, 0.4, 0.05),
  district('0502', ['Millbrook', 'Ruisseau-du-Moulin', 'جدول الطاحونة'], 40, 0.25, 0),
  district('0503', ['Vessara', 'Vessara', 'فيسارا'], 35, 0.2, -0.15),
  district('0504', ['Lower Orrin', 'Bas-Orrin', 'أورين الأسفل'], 35, 0.15, -0.2),
  district('0601', ['Dahla', 'Dahla', 'دهلة'], 35, 0.35, -0.2),
  district('0602', ['Red Wells', 'Puits-Rouges', 'الآبار الحمراء'], 25, 0.08, -0.6),
  district('0603', ['Sandgate', 'Porte-des-Sables', 'بوابة الرمال'], 22, 0.08, -0.65),
  district('0604', ['Far Dahla', 'Dahla-Lointaine', 'دهلة البعيدة'], 18, 0.04, -0.75),
];

const byCode = new Map(districts.map((one) => [one.code, one]));

/** The district of a code. Throws for a code that does not exist. */
export function districtOf(code: string): District {
  const found = byCode.get(code);
  if (!found) throw new RangeError(`there is no district ${code}`);
  return found;
}

const beginnings = ['Ama', 'Bre', 'Cala', 'Dor', 'Este', 'Fara', 'Gal', 'Ilo', 'Kes', 'Lume', 'Mira', 'Nov'];
const middles = ['na', 'ri', 'vo', 'lis', 'ta', 'de', 'sha', 'mo'];
const endings = ['ra', 'sel', 'von', 'dale', 'mara', 'tis', 'quin', 'bek', 'no', 'hara'];

/** Villages and quarters in each district. */
export const villagesPerDistrict = 24;

/** Name of a district's village number 0 to 23; names do not repeat within a district. */
export function villageName(districtCode: string, number: number): string {
  const place = districts.findIndex((one) => one.code === districtCode);
  const at = place * villagesPerDistrict + number;
  const beginning = beginnings[at % beginnings.length] as string;
  const middle = middles[Math.floor(at / beginnings.length) % middles.length] as string;
  const ending = endings[(at * 7 + place) % endings.length] as string;
  return `${beginning}${middle}${ending}`;
}
