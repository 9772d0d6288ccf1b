import { Type } from '@govstack/platform/operation';

/**
 * The suite's messages. Their ids have exactly the published lengths; with `lenient` ids of up to a UUID's length are
 * taken too, which the reference cash-transfer client sends on these paths.
 */
export function suiteMessages(lenient: boolean) {
  const id = (length: number) =>
    Type.String(lenient ? { minLength: 1, maxLength: 36 } : { minLength: length, maxLength: length });
  const head = { RequestID: id(12), SourceBBID: id(12) };
  const instruction = {
    InstructionID: id(16),
    PayeeFunctionalID: id(20),
    Amount: Type.Number({ exclusiveMinimum: 0 }),
    Currency: Type.String({ minLength: 3, maxLength: 3 }),
  };
  const mapping = Type.Object({
    ...head,
    Beneficiaries: Type.Array(
      Type.Object({
        PayeeFunctionalID: id(20),
        PaymentModality: Type.Optional(Type.String({ minLength: 2, maxLength: 2 })),
        FinancialAddress: Type.Optional(Type.String({ maxLength: 30 })),
      }),
      { minItems: 1, maxItems: 1000 },
    ),
  });
  const instructions = <T extends object>(narration: T) =>
    Type.Object({
      ...head,
      BatchID: id(12),
      CreditInstructions: Type.Array(Type.Object({ ...instruction, ...narration }), {
        minItems: 1,
        maxItems: 1000,
      }),
    });
  return {
    mapping,
    validation: instructions({ Narration: Type.String({ maxLength: 50 }) }),
    payment: instructions({
      Narration: Type.Optional(Type.Union([Type.String({ maxLength: 50 }), Type.Null()])),
    }),
    outcome: Type.Object({ RequestID: id(12), Source_BatchID: id(12) }),
  };
}
