"""A WebTransport server: each bidirectional stream goes to a TCP port of this machine, and back.

python3 webtransport.py CERTIFICATE KEY TCP_PORT; says its UDP port, and then nothing.
"""

import asyncio
import sys

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamReset

target = int(sys.argv[3])


class Bridge(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = None
        self.streams = {}

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic, enable_webtransport=True)
        if isinstance(event, (ConnectionTerminated, StreamReset)):
            for key, queue in self.streams.items():
                if isinstance(event, ConnectionTerminated) or key == event.stream_id:
                    queue.put_nowait(b"")
        if self.http is not None:
            for one in self.http.handle_event(event):
                self.http_event_received(one)

    def http_event_received(self, event):
        if isinstance(event, HeadersReceived):
            wanted = dict(event.headers).get(b":protocol") == b"webtransport"
            status = b"200" if wanted else b"404"
            self.http.send_headers(event.stream_id, [(b":status", status), (b"sec-webtransport-http3-draft", b"draft02")])
            self.transmit()
        elif isinstance(event, WebTransportStreamDataReceived):
            if event.stream_id not in self.streams:
                self.streams[event.stream_id] = asyncio.Queue()
                asyncio.ensure_future(self.relay(event.stream_id))
            queue = self.streams[event.stream_id]
            if event.data:
                queue.put_nowait(event.data)
            if event.stream_ended:
                queue.put_nowait(b"")

    async def relay(self, stream):
        reader, writer = await asyncio.open_connection("127.0.0.1", target)

        async def outwards():
            while data := await self.streams[stream].get():
                writer.write(data)
                await writer.drain()
            writer.write_eof()

        outwards_task = asyncio.ensure_future(outwards())
        while data := await reader.read(65536):
            self._quic.send_stream_data(stream, data)
            self.transmit()
        self._quic.send_stream_data(stream, b"", end_stream=True)
        self.transmit()
        outwards_task.cancel()
        writer.close()


async def main():
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=False, max_datagram_frame_size=65536)
    configuration.load_cert_chain(sys.argv[1], sys.argv[2])
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=Bridge)
    print(server._transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.Future()


asyncio.run(main())
