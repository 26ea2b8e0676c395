/**
 * What `config.json` says of the dashboard: which client certificates have which role.
 *
 * @module
 */

import type { AdminClient } from '@handfast/ca';
import { usageError } from '../exit.ts';
import { dashboardRoles } from './choices.ts';
import { choiceOf, Fields } from './fields.ts';

/** `[{ "name": "*@ops.corp.example", "role": "revoker" }]` @throws CliError that says which field is wrong */
export function dashboardConfigOf(where: string, value: unknown): readonly AdminClient[] {
  if (!Array.isArray(value)) {
    throw usageError(`${where} is no list`, 'write "dashboard": [{ "name": "alice@corp.example", "role": "admin" }]');
  }
  return value.map((one: unknown, index) => {
    const fields = new Fields(`${where}, ${index + 1}`, one, ['name', 'role']);
    const name = fields.text('name');
    if (name === undefined || name.replace(/^\*/, '') === '') throw usageError(`${fields.where('name')} names nobody`);
    return { name, role: choiceOf(fields.where('role'), fields.text('role') ?? '', dashboardRoles) };
  });
}
