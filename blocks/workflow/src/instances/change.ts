import type { Command } from '../execution/command.ts';
import type { InstanceState } from '../execution/state.ts';
import type { StepResult } from '../execution/step.ts';
import type { Actor } from '../history/actor.ts';
import type { InstanceRow } from '../tables.ts';

/** An event that an instance has taken, with everything that must now become true. */
export interface Change {
  readonly row: InstanceRow;
  readonly before: InstanceState;
  readonly result: StepResult;
  readonly event: string;
  readonly actor: Actor;
  /** Why, where an operator gave a reason. */
  readonly reason: string | undefined;
  readonly at: string;
  /** How many signals, messages and starts it follows from. */
  readonly depth: number;
}

export type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>;

/** A command together with the change that gave it. */
export interface Given {
  readonly change: Change;
  readonly command: Command;
}

/** The commands of one type, in order. */
export const chosen = <T extends Command['type']>(
  all: readonly Given[],
  type: T,
): readonly { readonly change: Change; readonly command: CommandOf<T> }[] =>
  all.filter((one) => one.command.type === type) as never;

/** Rows as one JSON parameter of a statement that takes any number of them. */
export const rowsOf = (rows: unknown): string => JSON.stringify(rows);
