import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

export const Resolution = Type.Object({
  payees: Type.Array(
    Type.Object({
      payeeIdentity: Text(36),
      paymentModality: Text(2),
      bankingInstitutionCode: Type.Optional(Text(11)),
      financialAddress: Type.Optional(Text(40)),
    }),
    { maxItems: 500 },
  ),
});

/** What this block asks of a directory of payees that somebody else runs: providers of accounts, a national switch. */
export const payeeDirectory = defineSurface({
  name: 'payee-directory-v1',
  title: 'Payee directory',
  version: '1.0.0',
  operations: {
    resolvePayees: defineOperation({
      id: 'resolvePayees',
      method: 'POST',
      path: '/resolutions',
      summary: 'To which account each payee wants to be paid; payees it does not know are left out',
      access: { caller: 'application' },
      body: Type.Object({ payees: Type.Array(Text(36), { minItems: 1, maxItems: 500 }) }),
      responses: { 200: Resolution },
    }),
  },
});
