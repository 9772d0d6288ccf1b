import { badRequest, compileValidator, type Static } from '@govstack/platform';
import { Creation, Redeeming, SerialList } from './operations.ts';

const schemas = { creation: Creation, serials: SerialList, redeeming: Redeeming } as const;
const validators = {
  creation: compileValidator(Creation, 'body', false),
  serials: compileValidator(SerialList, 'body', false),
  redeeming: compileValidator(Redeeming, 'body', false),
};
type Kind = keyof typeof schemas;

/** Names as the published files spell them, for what is said about a request. */
const published: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'requestID',
    'batchID',
    'voucherInstructions',
    'instructionID',
    'groupCode',
    'payeeFunctionalID',
    'serialNumber',
    'voucherSerialNumber',
    'voucherSecretNumber',
    'agentID',
  ].map((name) => [name.toLowerCase(), name]),
);

/** Folds the case of names, not of what the payee is authenticated with: those are names of a registry. */
const folded = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(folded);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const key = name.toLowerCase();
      return [key, key === 'evidence' ? one : folded(one)];
    }),
  );
};

/** Reads one of the messages of `/vouchers`, whatever the case of its names. Throws 400 that names every defect. */
export function readMessage<K extends Kind>(kind: K, body: unknown): Static<(typeof schemas)[K]> {
  const value = folded(body ?? {});
  const errors = validators[kind](value);
  if (errors)
    throw badRequest(
      'The request is not valid',
      errors.map((error) => ({
        ...error,
        pointer: error.pointer
          .split('/')
          .map((segment) => published[segment] ?? segment)
          .join('/'),
      })),
    );
  return value as Static<(typeof schemas)[K]>;
}
