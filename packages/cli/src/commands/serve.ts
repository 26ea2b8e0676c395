export interface ServeOptions {}
export async function serve(_t: string, _o: ServeOptions, _io: unknown): Promise<0> { return 0; }
