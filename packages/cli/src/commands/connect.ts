export interface ConnectOptions {}
export async function connectCommand(_t: string, _o: ConnectOptions, _io: unknown): Promise<0> { return 0; }
