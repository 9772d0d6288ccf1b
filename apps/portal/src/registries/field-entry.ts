import type { Voice } from '../rendering/voice.ts';
import type { SchemaField } from './schema.ts';

/** Inputs of a form by their names, as they were sent. */
export type Inputs = Readonly<Record<string, string | readonly string[]>>;

/** What was entered for one field: inputs as they were, and the value, or why there is none. */
export interface FieldEntry {
  readonly inputs: Inputs;
  /** Null: nothing was entered. */
  readonly value?: unknown;
  readonly error?: string;
}

/** What the form of a registry needs to know besides its fields. */
export interface EntryOptions {
  readonly voice: Voice;
  readonly timeZone: string;
  /** The day in the country. */
  readonly today: string;
  /** Fields that get a value by themselves: they may stay empty. */
  readonly filled: ReadonlySet<number>;
  /** Fields that keep what they say when nothing is entered: secrets, which a form never shows. */
  readonly kept?: ReadonlySet<number>;
}

export const inputName = (field: SchemaField): string => `f${field.id}`;
