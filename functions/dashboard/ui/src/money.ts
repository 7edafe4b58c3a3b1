// Sums of dollars. The API has summed exactly; a page that adds up its answers must not lose what floats lose.

/** The sum, with Neumaier's compensation for rounding. */
export function sumOf(amounts: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const amount of amounts) {
    const next = sum + amount;
    lost += Math.abs(sum) >= Math.abs(amount) ? sum - next + amount : amount - next + sum;
    sum = next;
  }
  return sum + lost;
}
