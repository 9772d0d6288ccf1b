/** The eForm document of docs/eform.md, as the server reads it. */
export type Texts = Readonly<Record<string, string>>;

export type FieldType =
  | 'text'
  | 'textarea'
  | 'number'
  | 'integer'
  | 'money'
  | 'date'
  | 'boolean'
  | 'radios'
  | 'select'
  | 'checkboxes'
  | 'nationalNumber'
  | 'phone'
  | 'group';

export interface Field {
  readonly id: string;
  readonly type: FieldType;
  readonly label: Texts;
  readonly hint?: Texts;
  readonly required?: boolean;
  readonly when?: string;
  readonly messages?: { readonly required?: Texts; readonly pattern?: Texts; readonly range?: Texts };
  readonly autocomplete?: string;
  readonly source?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly rows?: number;
  readonly min?: number | string;
  readonly max?: number | string;
  readonly unit?: Texts | string;
  readonly currency?: string;
  readonly options?: readonly { readonly value: string; readonly label: Texts; readonly hint?: Texts }[];
  readonly prefix?: string;
  readonly items?: readonly Field[];
  readonly itemLabel?: Texts;
}

export interface Page {
  readonly id: string;
  readonly title: Texts;
  readonly intro?: Texts;
  readonly when?: string;
  readonly fields: readonly Field[];
}

export interface EForm {
  readonly id: string;
  readonly name: Texts;
  readonly version: string;
  readonly pages: readonly Page[];
}

export type Answers = Readonly<Record<string, unknown>>;

/** One defect of a submission (docs/eform.md, “Submission and validation on the server”). */
export interface Defect {
  readonly fieldId: string;
  readonly pointer: string;
  readonly code: 'unknown' | 'required' | 'type' | 'length' | 'pattern' | 'range' | 'count' | 'option';
  readonly message: string;
}
