import { type Static, Type } from '@govstack/platform';

/** What a file rail must be told: who orders the payments, from which institution, and how the files travel. */
export const FileRailSettings = Type.Object(
  {
    initiatingParty: Type.String({ minLength: 1, maxLength: 140, description: 'Name in InitgPty and Dbtr' }),
    debtorAgent: Type.String({
      minLength: 1,
      maxLength: 35,
      description: 'BIC, or another id, of the institution that holds the debtor account',
    }),
    creditorAgentRequired: Type.Optional(
      Type.Boolean({ description: 'Whether each payee must have an institution code' }),
    ),
    delivery: Type.Optional(
      Type.Union([Type.Literal('fetch'), Type.Literal('folder')], {
        description: 'Fetched by the institution (default), or put into the folder of this rail',
      }),
    ),
  },
  { additionalProperties: false },
);
export type FileRailSettings = Static<typeof FileRailSettings>;

/** Whether an id of an institution has the form of a BIC. */
export const isBic = (text: string): boolean => /^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/.test(text);
