"""Python's ssl as a peer of the old days: one JSON command per line on standard input, one event per line on standard
output, as src/legacy/drivers.ts says. With `inspect` it prints its version and its suites' numbers."""

import json
import os
import platform
import socket
import ssl
import sys
import threading
import warnings

# Old versions are what this is for.
warnings.simplefilter("ignore", DeprecationWarning)

WAIT_SECONDS = 15
EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
printing = threading.Lock()
listeners = {}


def suites():
    """OpenSSL's names by number."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(EVERYTHING)
    return {row["id"] & 0xFFFF: row["name"] for row in context.get_ciphers()}


NAMES = suites()


def say(**event):
    with printing:
        print(json.dumps(event), flush=True)


def context_of(command):
    server = command["role"] == "server"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(f"{NAMES[command['suiteId']]}:@SECLEVEL=0" if "suiteId" in command else EVERYTHING)
    context.minimum_version = ssl.TLSVersion(command["lowest"])
    context.maximum_version = ssl.TLSVersion(command["highest"])
    context.load_verify_locations(command["ca"])
    if "cert" in command:
        context.load_cert_chain(command["cert"], command["key"])
    if server:
        context.load_dh_params(command["dh"])
    elif command["anonymous"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if server and command["askCertificate"]:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def check(connection, command):
    name = connection.cipher()[0]
    if "suiteId" in command and name != NAMES[command["suiteId"]]:
        raise ValueError(f"{name} was agreed on")


def serve(command):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(WAIT_SECONDS)
    listeners[command["id"]] = listener
    say(id=command["id"], event="listening", port=listener.getsockname()[1])
    with listener:
        transport, _ = listener.accept()
    transport.settimeout(WAIT_SECONDS)
    with context_of(command).wrap_socket(transport, server_side=True, suppress_ragged_eofs=False) as connection:
        check(connection, command)
        with connection.makefile("rb") as lines:
            for line in lines:
                connection.sendall(line[:-1][::-1] + b"\n")
        connection.unwrap()


def connect(command):
    transport = socket.create_connection(("127.0.0.1", command["port"]), WAIT_SECONDS)
    with context_of(command).wrap_socket(
        transport, server_hostname="localhost", suppress_ragged_eofs=False
    ) as connection:
        check(connection, command)
        with connection.makefile("rb") as answers:
            for line in command["lines"]:
                connection.sendall(line.encode() + b"\n")
                answer = answers.readline()
                if answer != line.encode()[::-1] + b"\n":
                    raise ValueError(f"the answer was {answer[:60]}")
        connection.unwrap()


def work(command):
    try:
        (serve if command["role"] == "server" else connect)(command)
        say(id=command["id"], event="done")
    except Exception as error:  # whatever it is goes into the report
        say(id=command["id"], event="done", error=f"{type(error).__name__}: {error}")


def main():
    if sys.argv[1:] == ["inspect"]:
        print(f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION}", *sorted(NAMES), sep="\n")
        return
    for line in sys.stdin:
        command = json.loads(line)
        if command.get("stop"):
            listener = listeners.get(command["id"])
            if listener is not None:
                listener.close()
            continue
        threading.Thread(target=work, args=[command], daemon=True).start()


main()
os._exit(0)
