import type { Sex } from './names.ts';

export type Relationship =
  | 'head'
  | 'spouse'
  | 'child'
  | 'grandchild'
  | 'parent'
  | 'sibling'
  | 'other-relative';
export type MaritalStatus = 'never-married' | 'married' | 'divorced' | 'widowed';

export interface Person {
  readonly nationalNumber: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly sex: Sex;
  /** YYYY-MM-DD */
  readonly birthDate: string;
  readonly relationship: Relationship;
  readonly maritalStatus: MaritalStatus;
  readonly disabled: boolean;
  /** E.164, only of adults who have a telephone. */
  readonly phone?: string;
  /** Under the reserved domain `example`, only of those who have one. */
  readonly email?: string;
}

/** Where a household wants its money. */
export interface PaymentAccount {
  readonly kind: 'bank-account' | 'mobile-wallet';
  /** Institution code: the bank or the mobile-money provider. */
  readonly institution: string;
  /** Account number (IBAN form) or telephone number of the wallet. */
  readonly number: string;
  readonly holder: string;
}

/** Answers to the survey of the social cash transfer, as the household gives them. */
export interface SurveyAnswers {
  readonly householdSize: number;
  readonly childrenUnder5: number;
  readonly children5to17: number;
  readonly adults18to64: number;
  readonly elderly65plus: number;
  readonly disabledMembers: number;
  readonly pregnantWoman: boolean;
  readonly rooms: number;
  readonly roof: 'concrete' | 'tiles' | 'iron-sheets' | 'thatch' | 'plastic';
  readonly walls: 'cement-blocks' | 'bricks' | 'wood' | 'mud' | 'straw';
  readonly floor: 'tiles' | 'cement' | 'wood' | 'earth';
  readonly water: 'piped-home' | 'public-tap' | 'protected-well' | 'unprotected-well' | 'surface-water';
  readonly toilet: 'flush' | 'improved-latrine' | 'pit-latrine' | 'none';
  readonly lighting: 'grid' | 'solar' | 'lantern' | 'candle-or-fire';
  /** How many of the children of 5 to 17 go to school. */
  readonly schoolAttendance: 'all' | 'some' | 'none' | 'no-children';
  /** Tropical livestock units with one decimal: a cow 0.7, a goat 0.1. */
  readonly livestockUnits: number;
  readonly headEmployment: 'formal' | 'self-employed' | 'farmer' | 'casual' | 'none';
  readonly transport: 'car' | 'motorcycle' | 'bicycle' | 'animal-cart' | 'none';
  /** Land the household says it owns, in hectares with one decimal. */
  readonly landHectares: number;
  /** Income the household says it has in a month, decimal text in the currency of the country. */
  readonly monthlyIncome: string;
}

/** What the Civil Registration Authority knows about one person. */
export interface CivilRecord {
  readonly nationalNumber: string;
  readonly birthRegistration: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly sex: Sex;
  readonly birthDate: string;
  /** Code of the district of birth. */
  readonly birthDistrict: string;
  readonly maritalStatus: MaritalStatus;
  readonly spouseNationalNumber?: string;
  /** Of children who live with her. */
  readonly motherNationalNumber?: string;
  readonly vitalStatus: 'alive' | 'deceased';
  readonly deathDate?: string;
}

/** A parcel in the register of the National Land Agency. */
export interface LandParcel {
  readonly parcelNumber: string;
  readonly ownerNationalNumber: string;
  readonly district: string;
  /** With one decimal. */
  readonly hectares: number;
  readonly use: 'crops' | 'pasture' | 'building';
}

/** A taxpayer in the register of the Revenue Authority. */
export interface TaxRecord {
  readonly taxpayerNumber: string;
  readonly nationalNumber: string;
  readonly taxYear: number;
  /** Decimal text in the currency of the country. */
  readonly declaredAnnualIncome: string;
  readonly employer?: string;
}

/** A farm in the register of the Ministry of Agriculture. */
export interface FarmerRecord {
  readonly farmerNumber: string;
  readonly nationalNumber: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly sex: Sex;
  readonly birthDate: string;
  readonly district: string;
  readonly village: string;
  /** Hectares under crops, with one decimal. */
  readonly farmSize: number;
  readonly mainCrop: 'maize' | 'rice' | 'sorghum' | 'vegetables' | 'coffee';
  readonly irrigation: 'none' | 'canal' | 'drip';
  readonly livestockUnits: number;
  readonly registeredOn: string;
}

/** What the Ministry of Health has on record about one person's disability. */
export interface DisabilityRecord {
  readonly disabilityNumber: string;
  readonly nationalNumber: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly sex: Sex;
  readonly birthDate: string;
  readonly district: string;
  readonly impairment: 'mobility' | 'vision' | 'hearing' | 'cognition' | 'communication';
  readonly severity: 'some' | 'severe' | 'total';
  readonly assistance: 'none' | 'daily' | 'weekly';
  readonly device: 'none' | 'wheelchair' | 'hearing-aid' | 'white-cane';
  readonly status: 'approved' | 'under-review';
  readonly registeredOn: string;
}

export type Contradiction = 'hidden-land' | 'deceased-head' | 'hidden-income';

/** What the household really is: for tests only, no service may see it. */
export interface GroundTruth {
  /** Latent welfare in standard deviations; the poor are below. */
  readonly welfare: number;
  readonly contradiction?: Contradiction;
  readonly badAccount?: 'closed' | 'unknown';
}

export interface Household {
  /** 0, 1, 2 … in the order of generation. */
  readonly index: number;
  readonly id: string;
  readonly district: string;
  readonly village: string;
  readonly urban: boolean;
  /** The head comes first. */
  readonly members: readonly [Person, ...Person[]];
  readonly account: PaymentAccount;
  readonly survey: SurveyAnswers;
  readonly civil: readonly CivilRecord[];
  readonly land: readonly LandParcel[];
  readonly tax: readonly TaxRecord[];
  readonly farms: readonly FarmerRecord[];
  readonly disabilities: readonly DisabilityRecord[];
  readonly truth: GroundTruth;
}
