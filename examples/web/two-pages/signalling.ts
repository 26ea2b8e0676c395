/**
 * How two pages find each other for WebRTC: here over a BroadcastChannel, elsewhere over a server of yours, which need not
 * be trusted.
 *
 * @module
 */

/** A data channel to the page of the other role, whichever of them is there first. */
export async function dataChannel(role: 'call' | 'answer'): Promise<RTCDataChannel> {
  const peer = new RTCPeerConnection();
  const channel = peer.createDataChannel('tls', { negotiated: true, id: 0 });
  const post = new BroadcastChannel('signalling');

  if (role === 'call') {
    const offer = await describe(peer);
    post.onmessage = async ({ data }) => {
      if (data.type === 'ready') post.postMessage(offer);
      else if (data.type === 'answer') await peer.setRemoteDescription(data);
    };
    post.postMessage(offer);
  } else {
    post.onmessage = async ({ data }) => {
      if (data.type !== 'offer' || peer.remoteDescription !== null) return;
      await peer.setRemoteDescription(data);
      post.postMessage(await describe(peer));
    };
    post.postMessage({ type: 'ready' });
  }
  await new Promise((resolve) => channel.addEventListener('open', resolve, { once: true }));
  post.close();
  return channel;
}

/** Our side, with all its addresses. */
async function describe(peer: RTCPeerConnection): Promise<RTCSessionDescriptionInit | undefined> {
  const gathered = new Promise<void>((resolve) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve();
  });
  await peer.setLocalDescription();
  await gathered;
  return peer.localDescription?.toJSON();
}
