/** Identifier of an application in the mediator's directory: `INSTANCE/CLASS/MEMBER/APPLICATION`. */
export type ApplicationId = string;
/** Identifier of a service: `INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE`. */
export type ServiceId = string;

/**
 * The application that is calling, as its information mediator has verified it. It can reach a handler in two ways
 * only: as this value inside a node, or as a signed caller token between processes. No header can set it.
 */
export interface Caller {
  readonly application: ApplicationId;
  /** The service under which the callee was addressed: the callee may act for several applications. */
  readonly service: ServiceId;
  /** Set when another application (the process engine, say) acts for `application`. */
  readonly operator: ApplicationId | undefined;
  /** Id of the exchange in the mediator's message log. */
  readonly exchangeId: string;
}

const part = "[A-Za-z0-9'()+,\\-.=?_]{1,100}";
const applicationPattern = new RegExp(`^${part}/${part}/${part}/${part}$`);
const servicePattern = new RegExp(`^${part}/${part}/${part}/${part}/${part}$`);

export const isApplicationId = (value: string): value is ApplicationId => applicationPattern.test(value);
export const isServiceId = (value: string): value is ServiceId => servicePattern.test(value);

/** The member (`INSTANCE/CLASS/MEMBER`) an application or service belongs to. */
export const memberOf = (id: ApplicationId | ServiceId): string => id.split('/').slice(0, 3).join('/');

/** The application (`INSTANCE/CLASS/MEMBER/APPLICATION`) a service belongs to. */
export const applicationOf = (service: ServiceId): ApplicationId => service.split('/').slice(0, 4).join('/');

/** The service code: the last part of a service id, which is the name of the surface. */
export const serviceCodeOf = (service: ServiceId): string => service.split('/')[4] ?? '';
