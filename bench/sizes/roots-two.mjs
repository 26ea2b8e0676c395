import { isrgRootX1, isrgRootX2 } from '@handfast/roots/certificates';

export const roots = [isrgRootX1, isrgRootX2];
