"""Python's stock ssl module as a peer: one JSON command per line on standard input, one event per line on standard
output. The conversation is that of src/conversation.ts."""

import json
import socket
import ssl
import sys
import threading

output = threading.Lock()
stopped = {}


def say(**event):
    with output:
        print(json.dumps(event, separators=(",", ":")), flush=True)


def context_for(command):
    server = command["role"] == "server"
    purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
    context = ssl.create_default_context(purpose, cadata=command["ca"])
    context.minimum_version = ssl.TLSVersion[command["minVersion"].replace(".", "_")]
    context.maximum_version = ssl.TLSVersion[command["maxVersion"].replace(".", "_")]
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if "certFile" in command:
        context.load_cert_chain(command["certFile"], command["keyFile"])
    if "group" in command:
        context.set_ecdh_curve(command["group"])
    if "suites" in command:
        context.set_ciphers(command["suites"])
    if "alpn" in command:
        context.set_alpn_protocols([command["alpn"]])
    if command.get("withoutTickets"):
        context.options |= ssl.OP_NO_TICKET
    if server:
        modes = {"none": ssl.CERT_NONE, "requested": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
        context.verify_mode = modes[command["clientCertificate"]]
    return context


def read_exactly(conn, length):
    data = b""
    while len(data) < length:
        chunk = conn.recv(length - len(data))
        if not chunk:
            raise EOFError(f"the end after {len(data)} of {length} bytes")
        data += chunk
    return data


def read_to_end(conn):
    data = b""
    while chunk := conn.recv(65536):
        data += chunk
    return data


def client(command):
    with socket.create_connection(("127.0.0.1", command["port"]), timeout=10) as tcp:
        stopped[command["id"]] = tcp
        # An end of TCP without close_notify is an error, not an end.
        with context_for(command).wrap_socket(tcp, server_hostname="localhost", suppress_ragged_eofs=False) as conn:
            for line in command["lines"]:
                # One thread at a time may use an SSLSocket: pieces, so that neither side's buffers need hold it all.
                for start in range(0, len(line), 8192):
                    piece = line[start : start + 8192].encode()
                    conn.sendall(piece)
                    if read_exactly(conn, len(piece)) != piece:
                        raise ValueError("the echo is not what was sent")
            conn.sendall(command["quit"].encode())
            if (rest := read_to_end(conn)) != command["bye"].encode():
                raise ValueError(f"the trailing line is {rest!r}")
            conn.unwrap()


def server(command):
    context = context_for(command)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        stopped[command["id"]] = listener
        say(id=command["id"], event="listening", port=listener.getsockname()[1])
        tcp, _ = listener.accept()
    with tcp:
        tcp.settimeout(10)
        with context.wrap_socket(tcp, server_side=True, suppress_ragged_eofs=False) as conn:
            quit_line = command["quit"].encode()
            while (chunk := conn.recv(16384)) and not chunk.endswith(quit_line):
                conn.sendall(chunk)
            conn.sendall(command["bye"].encode())
            conn.unwrap()


def word_on(conn):
    return b"resumed\n" if conn.session_reused else b"new\n"


def come_back(command):
    """Connects again and again, with what it kept of the last time: a line, its echo, and our word on the connection."""
    context = context_for(command)
    line = command["lines"][0].encode()
    session = None
    for _ in range(command["visits"]):
        with socket.create_connection(("127.0.0.1", command["port"]), timeout=10) as tcp:
            stopped[command["id"]] = tcp
            options = {"server_hostname": "localhost", "suppress_ragged_eofs": False, "session": session}
            with context.wrap_socket(tcp, **options) as conn:
                conn.sendall(line)
                if read_exactly(conn, len(line)) != line:
                    raise ValueError("the echo is not what was sent")
                conn.sendall(word_on(conn))
                session = conn.session
                conn.unwrap()


def receive(command):
    """Takes connections one by one: echoes a line, and says our word on the connection."""
    context = context_for(command)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        stopped[command["id"]] = listener
        say(id=command["id"], event="listening", port=listener.getsockname()[1])
        for _ in range(command["visits"]):
            tcp, _ = listener.accept()
            tcp.settimeout(10)
            with tcp, context.wrap_socket(tcp, server_side=True, suppress_ragged_eofs=False) as conn:
                conn.sendall(read_exactly(conn, len(command["lines"][0])))
                conn.sendall(word_on(conn))
                conn.unwrap()


def run(command):
    event = {"id": command["id"], "event": "done"}
    try:
        once, often = (server, receive) if command["role"] == "server" else (client, come_back)
        (often if "visits" in command else once)(command)
    except Exception as error:
        event["error"] = f"{type(error).__name__}: {error}"
    stopped.pop(command["id"], None)
    say(**event)


for text in sys.stdin:
    request = json.loads(text)
    if request.get("stop"):
        if victim := stopped.get(request["id"]):
            victim.close()
    else:
        threading.Thread(target=run, args=(request,), daemon=True).start()
