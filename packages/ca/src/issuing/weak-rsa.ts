/**
 * RSA moduli that are known to be weak by looking at them (BR §6.1.1.3, §6.1.6): with small factors, with primes too close to each
 * other (Fermat's method, CVE-2022-26320), and those of a library that made its primes in a pattern (ROCA, CVE-2017-15361).
 * Numbers that are public, so time is no matter.
 *
 * @module
 */

/** Why a modulus is weak, in words; `undefined` where nothing shows. */
export function weakModulus(modulus: bigint): string | undefined {
  const factor = smallPrimes.find((prime) => modulus % BigInt(prime) === 0n);
  if (factor !== undefined) return `its modulus is divisible by ${factor}`;
  if (hasRocaPattern(modulus)) return 'it has the pattern of keys that can be factored (ROCA, CVE-2017-15361)';
  if (hasClosePrimes(modulus)) return 'its primes are too close to each other (CVE-2022-26320)';
  return undefined;
}

/** BR §6.1.6: no factors smaller than 752. */
const smallPrimes: readonly number[] = primesBelow(752);

function primesBelow(end: number): readonly number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < end; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

/**
 * The library's primes are powers of 65537 modulo the product of the first primes, and so is then each modulus, modulo each of
 * those: the fingerprint of Nemec et al., "The Return of Coppersmith's Attack" (2017), §4.2. Others pass by a chance of 2^-27.
 */
const rocaResidues: readonly { readonly prime: bigint; readonly residues: ReadonlySet<bigint> }[] = primesBelow(168)
  .filter((prime) => prime > 2)
  .map((prime) => ({ prime: BigInt(prime), residues: powersOf(65537n, BigInt(prime)) }));

function powersOf(generator: bigint, prime: bigint): ReadonlySet<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1n; !powers.has(power); power = (power * generator) % prime) powers.add(power);
  return powers;
}

function hasRocaPattern(modulus: bigint): boolean {
  return rocaResidues.every(({ prime, residues }) => residues.has(modulus % prime));
}

/** BR §6.1.1.3: within 100 rounds of Fermat's factorization. */
const fermatRounds = 100;

function hasClosePrimes(modulus: bigint): boolean {
  let a = squareRoot(modulus);
  if (a * a < modulus) a++;
  for (let round = 0; round < fermatRounds; round++, a++) {
    const square = a * a - modulus;
    // Four of five numbers are no squares by their last six bits.
    if (!squareEndings.has(Number(square & 63n))) continue;
    const root = squareRoot(square);
    if (root * root === square) return true;
  }
  return false;
}

const squareEndings: ReadonlySet<number> = new Set(Array.from({ length: 64 }, (_, number) => (number * number) & 63));

/** Rounded down, by Newton's method from above. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(16).length * 4 + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
