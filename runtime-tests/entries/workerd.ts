/**
 * The suite in a worker of workerd: a request, which says where the server outside is and has words that choose tests, is answered
 * with the report. No randomness may be asked for before that.
 *
 * @module
 */

import { open } from '../snippets/workerd.ts';
import { report } from '../suite/index.ts';
import { setOutside } from '../suite/outside.ts';

export default {
  async fetch(request: Request): Promise<Response> {
    const { outside, words } = await request.json();
    setOutside(outside, ({ port }, ca) => open(port, ca));
    return Response.json(await report(words));
  },
};
