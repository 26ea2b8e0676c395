/** Preloaded: a process that ran DAYS_AGO days ago, by its own clock. */

const Real = Date;
const behind = Number(process.env.DAYS_AGO) * 86_400_000;

globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() - behind);
    else super(...given);
  }

  static now() {
    return Real.now() - behind;
  }
};
