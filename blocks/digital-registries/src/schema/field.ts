/** What a registry can hold in a field; decides column type, validation and wire form. */
export type FieldType = 'text' | 'integer' | 'number' | 'boolean' | 'date' | 'date-time' | 'json';

/** A field of a registry. Its id is its identity: names may change, ids never. */
export interface Field {
  readonly id: number;
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  readonly unique: boolean;
  /** Set once, then read-only. */
  readonly readOnly: boolean;
  /** Reading it is logged (DRS-13). */
  readonly personal: boolean;
  /** Holds the identifier of the person the record is about (DRS-14). */
  readonly owner: boolean;
  readonly indexed: boolean;
  readonly values: readonly string[] | undefined;
  /** The JSON schema of the field, for validation. */
  readonly schema: Readonly<Record<string, unknown>>;
}

export const columnOf = (field: Pick<Field, 'id'>): string => `f_${field.id}`;
export const tableOf = (registryId: string): string => `r_${registryId}`;

export const columnTypes: Readonly<Record<FieldType, string>> = {
  text: 'text',
  integer: 'bigint',
  number: 'numeric',
  boolean: 'boolean',
  date: 'date',
  'date-time': 'timestamptz',
  json: 'jsonb',
};
