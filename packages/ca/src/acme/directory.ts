/**
 * The directory (RFC 8555 §7.1.1; profiles as in the profiles draft): where everything else is.
 *
 * @module
 */

import { paths } from './links.ts';
import type { Answer } from './requests.ts';
import type { Service } from './settings.ts';

export function directory({ links, options }: Service): Answer {
  const { termsOfService, website, caa, externalAccountRequired, profiles } = options;
  const resources = Object.entries(paths).map(([name, path]) => [name, `${links.base}${path}`]);
  const meta = {
    ...(termsOfService !== undefined && { termsOfService }),
    ...(website !== undefined && { website }),
    ...(caa !== undefined && { caaIdentities: caa.identities }),
    ...(externalAccountRequired === true && { externalAccountRequired }),
    ...(profiles !== undefined && { profiles }),
  };
  return { status: 200, body: { ...Object.fromEntries(resources), meta } };
}
