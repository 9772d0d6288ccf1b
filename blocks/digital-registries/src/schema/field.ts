import type { Vault } from '../secrets/vault.ts';

/** What a registry can hold in a field; decides column type, validation and wire form. */
export type FieldType =
  | 'text'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'date'
  | 'date-time'
  | 'time'
  | 'file'
  | 'json';

/** Where the record is that a value points to (DRS-2). */
export interface Link {
  /** Code or id of the other registry, of the same owner. */
  readonly registry: string;
  /** Field id there; 0: the uuid of the record. */
  readonly field: number;
  /** `strict`: the record must exist; `parent`: the same, and no record is above itself; `soft`: nobody checks. */
  readonly kind: 'strict' | 'parent' | 'soft';
  /** What deleting the record pointed to does. */
  readonly onDelete: 'refuse' | 'cascade' | 'orphan';
}

/** A field of a registry. Its id is its identity: names may change, ids never. */
export interface Field {
  readonly id: number;
  /** Where its values are, in the shape of this version. */
  readonly column: string;
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  readonly unique: boolean;
  readonly primaryKey: boolean;
  /** Set once, then read-only. */
  readonly readOnly: boolean;
  /** Reading it is logged (DRS-13). */
  readonly personal: boolean;
  /** Holds the identifier of the person the record is about (DRS-14). */
  readonly owner: boolean;
  readonly indexed: boolean;
  /** Found by full-text search. */
  readonly searchable: boolean;
  /** Of new records that do not say; undefined: none. */
  readonly default: unknown;
  readonly values: readonly string[] | undefined;
  readonly triggers: readonly Trigger[];
  readonly links: readonly Link[];
  /** Kept encrypted, in `column`; given out only to those who have the registry's key (DRS-15). */
  readonly secret: boolean;
  /** The column with keyed hashes by which a secret is found. */
  readonly hash: string | undefined;
  /** Code of the code list whose keys it takes. */
  readonly catalogue: string | undefined;
  /** Holds several values. */
  readonly list: boolean;
  /** Holds documents: one, or a list of them. */
  readonly documents: DocumentRule | undefined;
  readonly geometry: 'GeoPoint' | 'GeoShape' | undefined;
  /** What opens and seals its values, when it is secret; never kept with the schema. */
  readonly vault?: Vault;
  /** The reader may see what is secret. */
  readonly disclosed?: boolean;
  /** The JSON schema of the field, for validation. */
  readonly schema: Readonly<Record<string, unknown>>;
}

/** Which documents a field takes. */
export interface DocumentRule {
  /** Media types; undefined: any that is known. */
  readonly types: readonly string[] | undefined;
  /** Largest document, in bytes. */
  readonly maxSize: number;
}

export interface Condition {
  readonly logic: '==' | '!=' | '>' | '<' | '>=' | '<=';
  readonly value: unknown;
  /** How it is joined to the one before. */
  readonly gate: '&&' | '||';
  /** The field looked at; the trigger's own when left out. */
  readonly field: number | undefined;
}

export interface Action {
  readonly type: 'set-value' | 'upper-case' | 'lower-case' | 'prefix' | 'suffix' | 'merge';
  readonly value: string;
  readonly field: number;
  /** Fields that are merged. */
  readonly fields: readonly number[];
}

/** What happens to a record when it is written, under conditions (DRS-17 d). */
export interface Trigger {
  readonly conditions: readonly Condition[];
  readonly actions: readonly Action[];
}

/** What a column holds: values, or of a secret field their ciphertexts or hashes. */
export type ColumnType = FieldType | 'sealed';

/** A column of a registry's table. A field that changes its type gets another one; both are kept written. */
export interface Column {
  readonly field: number;
  readonly column: string;
  readonly type: ColumnType;
  /** Of a sealed column: the type of the values inside. */
  readonly of?: FieldType;
  /** Of a sealed column: it holds keyed hashes. */
  readonly hash?: boolean;
}

/** The type of the values that a column stands for. */
export const innerType = ({ type, of }: Column): FieldType => (type === 'sealed' ? (of ?? 'text') : type);
/** A secret's values are found by the hashes in the column beside it. */
export const hashColumnOf = (column: string): string => `h_${column.slice(2)}`;

export const tableOf = (registryId: string): string => `r_${registryId}`;
export const sequenceOf = (registryId: string): string => `s_${registryId}`;

export const columnTypes: Readonly<Record<ColumnType, string>> = {
  text: 'text',
  integer: 'bigint',
  number: 'numeric',
  boolean: 'boolean',
  date: 'date',
  'date-time': 'timestamptz',
  time: 'time',
  file: 'jsonb',
  json: 'jsonb',
  sealed: 'bytea',
};

/** Fields as they were kept, whatever release wrote them. */
export const storedFields = (stored: unknown): Field[] =>
  (stored as (Partial<Field> & Pick<Field, 'id'>)[]).map(
    (field) =>
      ({
        column: `f_${field.id}`,
        primaryKey: false,
        searchable: false,
        triggers: [],
        links: [],
        secret: false,
        list: field.schema?.type === 'array',
        ...field,
      }) as unknown as Field,
  );
