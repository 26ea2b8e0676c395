import { roots } from '@handfast/roots/certificates';

export { roots };
