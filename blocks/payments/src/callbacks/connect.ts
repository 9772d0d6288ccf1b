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

/** Whether the treasury registered an address of this machine as such; a name that only leads there is another matter. */
const isLocalName = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host);

export type Resolve = (
  host: string,
  answer: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

const resolveByDns: Resolve = (host, answer) =>
  lookup(host, { all: true }, (error, addresses) => answer(error, addresses));

/**
 * Connections for messages that leave to addresses a source asked for (server-side request forgery): a name is resolved
 * at the moment of sending, and the connection goes to the very addresses that were checked. A host with one address
 * that is private, link-local, loopback or otherwise special is not connected to, except in `networks` (CIDR), which
 * the operator allows, and on this machine when it is named as such.
 */
export function checkedConnections(networks: readonly string[], resolve: Resolve = resolveByDns): Agent {
  const allowed = blockList(networks);
  const passes = (host: string, { address, family }: LookupAddress): boolean => {
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    if (allowed.check(address, kind)) return true;
    if (loopback.check(address, kind)) return isLocalName(host);
    if (family === 6 && !globalUnicast.check(address, 'ipv6')) return false;
    return !special.check(address, kind);
  };
  const agent = new Agent({
    pipelining: 1,
    keepAliveTimeout: 1000,
    maxHeaderSize: 16 * 1024,
    connect: {
      lookup(host, options, callback) {
        resolve(host, (error, addresses) => {
          const [first] = addresses;
          if (error || !first) return callback(error ?? new AddressRefused(host), '', 4);
          if (!addresses.every((one) => passes(host, one))) return callback(new AddressRefused(host), '', 4);
          if (options.all) return callback(null, [...addresses]);
          callback(null, first.address, first.family);
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
