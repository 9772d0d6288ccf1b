const windowMs = 60_000;
const mostRemembered = 100_000;

/** Counts requests by who makes them; answers for how many seconds one has to wait, 0: not at all. */
export function rateLimit(perMinute: number, now: () => number): (who: string) => number {
  let since = now();
  const counted = new Map<string, number>();
  return (who) => {
    if (perMinute === 0) return 0;
    if (now() - since >= windowMs || counted.size >= mostRemembered) {
      counted.clear();
      since = now();
    }
    const count = (counted.get(who) ?? 0) + 1;
    counted.set(who, count);
    return count <= perMinute ? 0 : Math.max(1, Math.ceil((since + windowMs - now()) / 1000));
  };
}
