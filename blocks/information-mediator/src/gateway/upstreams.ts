import type { Logger } from 'pino';
import type { Policy } from '../api/gateway/policy.ts';
import { targetOf } from '../directory/target.ts';
import { noBody } from '../exchange/body.ts';
import type { HttpProviders } from '../exchange/http-provider.ts';

interface Circuit {
  failures: number;
  /** `performance.now()` until which nothing is sent; 0: closed. */
  openUntil: number;
  /** One request tries it. */
  trying: boolean;
  healthy: boolean;
}

/** What an upstream is like, for those who watch. */
export interface UpstreamState {
  readonly url: string;
  readonly healthy: boolean;
  readonly open: boolean;
  readonly failures: number;
}

export interface Upstreams {
  /** One of a service's upstreams by their weights, none that is ill or whose circuit is open; undefined: none is left. */
  choose(service: string, target: string, policy: Policy): Chosen | undefined;
  state(service: string, target: string, policy: Policy): UpstreamState[];
  close(): void;
}

export interface Chosen {
  readonly url: string;
  /** Told once: the status, or that there was no answer. */
  settle(status: number | undefined): void;
}

const defaults = { failures: 5, openSeconds: 30 };
const checkPatienceMs = 5_000;
const unusedMs = 3_600_000;

/** Several upstreams of a service, each behind a circuit breaker, watched where the policy says so. Nothing is sent twice. */
export function openUpstreams(http: HttpProviders, log: Logger): Upstreams {
  const circuits = new Map<string, Circuit>();
  const remembered = 10_000;
  const watched = new Map<
    string,
    { readonly every: string; readonly timer: NodeJS.Timeout; usedAt: number }
  >();

  /** Another policy begins anew. */
  const circuitOf = (service: string, url: string, { circuit, health }: Policy): Circuit => {
    const name = JSON.stringify([service, url, circuit, health]);
    const known = circuits.get(name) ?? { failures: 0, openUntil: 0, trying: false, healthy: true };
    circuits.set(name, known);
    if (circuits.size > remembered) circuits.delete(circuits.keys().next().value as string);
    return known;
  };

  async function look(service: string, url: string, policy: Policy, path: string): Promise<void> {
    const target = targetOf(url);
    const circuit = circuitOf(service, url, policy);
    if (target?.kind !== 'http') return;
    const healthy = await http
      .call(target, {
        method: 'GET',
        path,
        headers: [],
        body: noBody,
        signal: AbortSignal.timeout(checkPatienceMs),
      })
      .then(
        ({ status, body }) => {
          body.release();
          return status < 500;
        },
        () => false,
      );
    if (healthy !== circuit.healthy) log.warn({ service, upstream: url, healthy }, 'an upstream has changed');
    circuit.healthy = healthy;
  }

  function watch(service: string, url: string, policy: Policy): void {
    const { health } = policy;
    const name = `${service} ${url}`;
    const every = health ? `${health.seconds} ${health.path}` : '';
    const before = watched.get(name);
    if (before) before.usedAt = performance.now();
    if ((before?.every ?? '') === every) return;
    clearInterval(before?.timer);
    watched.delete(name);
    if (!health) return;
    const timer = setInterval(() => {
      const entry = watched.get(name);
      // What nobody calls any more is not watched any more.
      if (entry && performance.now() - entry.usedAt > unusedMs) {
        clearInterval(timer);
        watched.delete(name);
      } else void look(service, url, policy, health.path);
    }, health.seconds * 1000);
    timer.unref();
    watched.set(name, { every, timer, usedAt: performance.now() });
    void look(service, url, policy, health.path);
  }

  const listOf = (target: string, { upstreams = [] }: Policy) =>
    upstreams.length > 0 ? upstreams : [{ url: target, weight: 1 }];

  return {
    choose(service, target, policy) {
      const { failures, openSeconds } = policy.circuit ?? defaults;
      const now = performance.now();
      const usable = listOf(target, policy).flatMap(({ url, weight = 1 }) => {
        watch(service, url, policy);
        const circuit = circuitOf(service, url, policy);
        if (!circuit.healthy) return [];
        if (circuit.openUntil > 0 && (now < circuit.openUntil || circuit.trying)) return [];
        return [{ url, weight, circuit }];
      });
      // One that may be tried again is tried first, or it would stay away as long as others do well.
      const due = usable.find(({ circuit }) => circuit.openUntil > 0);
      let draw = Math.random() * usable.reduce((sum, { weight }) => sum + weight, 0);
      const chosen =
        due ??
        usable.find(({ weight }) => {
          draw -= weight;
          return draw < 0;
        });
      if (!chosen) return undefined;
      const { url, circuit } = chosen;
      if (circuit.openUntil > 0) circuit.trying = true;
      return {
        url,
        settle(status) {
          circuit.trying = false;
          if (status !== undefined && status < 500) {
            circuit.failures = 0;
            circuit.openUntil = 0;
            return;
          }
          circuit.failures += 1;
          if (circuit.failures < failures && circuit.openUntil === 0) return;
          circuit.openUntil = performance.now() + openSeconds * 1000;
          log.warn(
            { service, upstream: url, failures: circuit.failures },
            'nothing is sent to an upstream for a while',
          );
        },
      };
    },
    state: (service, target, policy) =>
      listOf(target, policy).map(({ url }) => {
        const { healthy, failures, openUntil } = circuitOf(service, url, policy);
        return { url, healthy, failures, open: openUntil > performance.now() };
      }),
    close() {
      for (const { timer } of watched.values()) clearInterval(timer);
    },
  };
}
