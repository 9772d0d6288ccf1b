import type { ErrorShape } from '@govstack/platform/operation';

/** What the communication layer of DCI says of a message that is not taken. */
export type ErrorCode =
  | 'err.request.bad'
  | 'err.request.unauthorized'
  | 'err.request.forbidden'
  | 'err.request.not_found'
  | 'err.request.timeout'
  | 'err.version.not_supported'
  | 'err.request.too_many_requests'
  | 'err.sender_id.invalid'
  | 'err.sender_uri.invalid'
  | 'err.receiver_id.invalid'
  | 'err.signature.missing'
  | 'err.signature.invalid'
  | 'err.encryption.invalid'
  | 'err.service.unavailable';

/** Prefix of the type of a problem that has a code of its own. */
export const errorType = 'urn:spdci:';

const byStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'err.request.unauthorized',
  403: 'err.request.forbidden',
  404: 'err.request.not_found',
  408: 'err.request.timeout',
  429: 'err.request.too_many_requests',
  504: 'err.request.timeout',
};

/** A refusal as an acknowledgement ERR and as an HTTP error of DCI at once: documents differ in which they show where. */
export const dciErrors: ErrorShape = ({ type, status, detail, title, errors, instance }) => {
  const code = type.startsWith(errorType)
    ? type.slice(errorType.length)
    : (byStatus[status] ?? (status < 500 ? 'err.request.bad' : 'err.service.unavailable'));
  const defects = (errors ?? []).map(({ pointer, detail: what }) => `${pointer} ${what}`);
  const message = [detail ?? title, ...defects].join('; ').slice(0, 999);
  return {
    status,
    body: {
      message: {
        ack_status: 'ERR',
        timestamp: new Date().toISOString(),
        correlation_id: (instance ?? '').slice(0, 99),
        error: { code, message },
      },
      errors: [{ code, message }],
    },
  };
};
