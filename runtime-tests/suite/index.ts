/**
 * Every test, registered in order. Nothing runs at import: in workerd no module may ask for randomness.
 *
 * @module
 */

import './matrix.ts';
import './sessions.ts';
import './certificates.ts';
import './faults.ts';
import './transfer.ts';
import './streams.ts';
import './outside.ts';

export { type Report, report } from './report.ts';
