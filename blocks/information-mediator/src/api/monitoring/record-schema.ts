import { Type } from '@govstack/platform/operation';

const text = (description?: string) => Type.String(description === undefined ? {} : { description });
const number = (description?: string) => Type.Integer(description === undefined ? {} : { description });

/** The fields of an operational record under X-Road's names (x-road.md 8), in the order of a table. */
const fields = {
  monitoringDataTs: number('When the record was stored, seconds since 1970'),
  securityServerInternalIp: text('Name of the machine'),
  securityServerType: Type.Union([Type.Literal('Client'), Type.Literal('Producer')]),
  requestInTs: number('Milliseconds since 1970'),
  requestOutTs: number(),
  responseInTs: number(),
  responseOutTs: number(),
  clientXRoadInstance: text(),
  clientMemberClass: text(),
  clientMemberCode: text(),
  clientSubsystemCode: text(),
  serviceXRoadInstance: text(),
  serviceMemberClass: text(),
  serviceMemberCode: text(),
  serviceSubsystemCode: text(),
  serviceCode: text(),
  serviceVersion: text('As the service code ends'),
  serviceType: Type.Literal('REST'),
  restMethod: text(),
  restPath: text('Without query'),
  representedPartyClass: text(),
  representedPartyCode: text(),
  operator: text('Application that sent the request for the client'),
  messageId: text('X-Road-Id'),
  messageUserId: text('A keyed hash of X-Road-UserId, unless set otherwise'),
  messageIssue: text('X-Road-Issue'),
  messageProtocolVersion: text(),
  xRequestId: text('This exchange, in the message log too'),
  clientSecurityServerAddress: text(),
  serviceSecurityServerAddress: text(),
  requestSize: number('Bytes of the body'),
  responseSize: number('Bytes of the body'),
  succeeded: Type.Boolean({ description: 'No fault, and a status below 400' }),
  statusCode: number(),
  faultCode: text('X-Road error type, when the mediator refused'),
  faultString: text(),
  xRoadVersion: text(),
};

export type RecordField = keyof typeof fields;
export const recordFieldNames = Object.keys(fields) as readonly RecordField[];

/** What is not known is left out, as in X-Road. */
export const OperationalRecord = Type.Partial(Type.Object(fields, { additionalProperties: false }));
