import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { Agent, type Dispatcher } from 'undici';

/** Ranges of IPv4 that are not places on the Internet (IANA special-purpose registry). */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** Of IPv6 only global unicast (2000::/3) is a place, without the ranges that embed or document addresses. */
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

const special = blockList([...specialIpv4, ...specialIpv6]);
const globalUnicast = blockList(['2000::/3']);
const loopback = blockList(['127.0.0.0/8', '::1/128']);

export class AddressRefused extends Error {
  constructor(host: string) {
    super(`${host} is not at a place on the Internet`);
    this.name = 'AddressRefused';
  }
}

/** A name of this machine as such; one that only leads there is another matter. */
const isLocalName = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host);

/** Where connections may lead besides places on the Internet. */
export interface OutsidePlaces {
  /** Networks (CIDR) that the operator allows. */
  readonly networks: readonly string[];
  /** Whether this machine may be reached when it is named as such. */
  readonly localByName?: boolean;
}

export type Resolve = (
  host: string,
  answer: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

const resolveByDns: Resolve = (host, answer) =>
  lookup(host, { all: true }, (error, addresses) => answer(error, addresses));

type Passes = (host: string, address: LookupAddress) => boolean;

function guard({ networks, localByName = false }: OutsidePlaces): Passes {
  const allowed = blockList(networks);
  return (host, { address, family }) => {
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    if (allowed.check(address, kind)) return true;
    if (loopback.check(address, kind)) return localByName && isLocalName(host);
    if (family === 6 && !globalUnicast.check(address, 'ipv6')) return false;
    return !special.check(address, kind);
  };
}

type Found = (error: Error | null, addresses: readonly [LookupAddress, ...LookupAddress[]]) => void;

/** The addresses of a host, each of them checked. */
function lookUp(host: string, passes: Passes, resolve: Resolve, found: Found): void {
  const check = (error: Error | null, addresses: readonly LookupAddress[]): void => {
    const [first, ...others] = addresses;
    const refused = !first || !addresses.every((one) => passes(host, one));
    found(error ?? (refused ? new AddressRefused(host) : null), [
      first ?? { address: '', family: 4 },
      ...others,
    ]);
  };
  const family = isIP(host);
  if (family === 0) resolve(host, check);
  else check(null, [{ address: host, family }]);
}

/** An address of a host to connect to, for clients that look up nothing themselves. Rejects with `AddressRefused`. */
export const checkedAddress = (
  host: string,
  places: OutsidePlaces,
  resolve: Resolve = resolveByDns,
): Promise<string> =>
  new Promise((found, failed) => {
    lookUp(host, guard(places), resolve, (error, [first]) => (error ? failed(error) : found(first.address)));
  });

/**
 * Connections to addresses that somebody asked for (server-side request forgery): a name is resolved at the moment of
 * sending, and the connection goes to the very addresses that were checked. A host with one address that is private,
 * link-local, loopback or otherwise special is not connected to, except where `places` allow it.
 */
export function checkedConnections(places: OutsidePlaces, resolve: Resolve = resolveByDns): Agent {
  const passes = guard(places);
  const agent = new Agent({
    pipelining: 1,
    keepAliveTimeout: 1000,
    maxHeaderSize: 16 * 1024,
    connect: {
      lookup(host, options, callback) {
        lookUp(host, passes, resolve, (error, addresses) => {
          if (error) return callback(error, '', 4);
          if (options.all) return callback(null, [...addresses]);
          callback(null, addresses[0].address, addresses[0].family);
        });
      },
    },
  });
  // An address in place of a name is connected to without being looked up.
  return agent.compose((dispatch) => (options: Dispatcher.DispatchOptions, handler) => {
    const host = new URL(String(options.origin)).hostname.replace(/^\[(.*)\]$/, '$1');
    const family = isIP(host);
    if (family !== 0 && !passes(host, { address: host, family })) throw new AddressRefused(host);
    return dispatch(options, handler);
  }) as unknown as Agent;
}
