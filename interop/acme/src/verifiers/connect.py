"""Connects by TLS, and has the server's certificate looked up in a CRL: connect.py HOST PORT ROOT CRLS"""

import socket
import ssl
import sys

host, port, root, crls = sys.argv[1:]
context = ssl.create_default_context(cafile=root)
context.load_verify_locations(cafile=crls)
context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
with socket.create_connection((host, int(port)), timeout=30) as plain:
    with context.wrap_socket(plain, server_hostname=host) as secure:
        secure.sendall(b"GET / HTTP/1.0\r\nHost: %b\r\n\r\n" % host.encode())
        assert secure.recv(4096).startswith(b"HTTP/1.")
