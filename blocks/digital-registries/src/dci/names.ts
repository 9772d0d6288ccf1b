/** `ns:org:RegistryType:Social`, `spdci-extensions-dci:Member`: what is behind the last colon names the thing. */
const localName = (name: string): string => name.slice(name.lastIndexOf(':') + 1).toLowerCase();

/** Whether two names mean the same: namespaces are a matter of each implementation (DCI 1.0.0). */
export const sameName = (one: string, other: string): boolean => localName(one) === localName(other);
