import init, { EpoxyClient, EpoxyClientOptions } from '@mercuryworkshop/epoxy-tls/minimal-epoxy';

export async function open(wasm, transport, url) {
  await init({ module_or_path: wasm });
  return new EpoxyClient(transport, new EpoxyClientOptions()).connect_tls(url);
}
