"""tlslite-ng as a peer of the old days: one JSON command per line on standard input, one event per line on standard
output, as src/legacy/drivers.ts says. With `inspect` it prints its version and its suites."""

import json
import os
import socket
import sys
import threading
from importlib.metadata import version

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.constants import CipherSuite

WAIT_SECONDS = 15
printing = threading.Lock()
listeners = {}

# What HandshakeSettings calls the parts of a suite's name.
EXCHANGES = {
    "RSA": "rsa",
    "DHE_RSA": "dhe_rsa",
    "ECDHE_RSA": "ecdhe_rsa",
    "ECDHE_ECDSA": "ecdhe_ecdsa",
    "DH_anon": "dh_anon",
    "ECDH_anon": "ecdh_anon",
}
CIPHERS = {
    "NULL_MD5": ("null", "md5"),
    "NULL_SHA": ("null", "sha"),
    "NULL_SHA256": ("null", "sha256"),
    "RC4_128_MD5": ("rc4", "md5"),
    "RC4_128_SHA": ("rc4", "sha"),
    "3DES_EDE_CBC_SHA": ("3des", "sha"),
    "AES_128_CBC_SHA": ("aes128", "sha"),
    "AES_256_CBC_SHA": ("aes256", "sha"),
    "AES_128_CBC_SHA256": ("aes128", "sha256"),
    "AES_256_CBC_SHA256": ("aes256", "sha256"),
    "AES_256_CBC_SHA384": ("aes256", "sha384"),
    "AES_128_GCM_SHA256": ("aes128gcm", "aead"),
    "AES_256_GCM_SHA384": ("aes256gcm", "aead"),
    "AES_128_CCM": ("aes128ccm", "aead"),
    "AES_256_CCM": ("aes256ccm", "aead"),
    "AES_128_CCM_8": ("aes128ccm_8", "aead"),
    "AES_256_CCM_8": ("aes256ccm_8", "aead"),
    "CHACHA20_POLY1305_SHA256": ("chacha20-poly1305", "aead"),
}


def parts(suite):
    """Key exchange, cipher and MAC of an IANA name in tlslite's words; None for what it has no words for."""
    exchange, _, cipher = suite.removeprefix("TLS_").partition("_WITH_")
    if exchange not in EXCHANGES or cipher not in CIPHERS:
        return None
    return (EXCHANGES[exchange], *CIPHERS[cipher])


def suites():
    for name in CipherSuite.ietfNames.values():
        name = name.replace("_ANON_", "_anon_")
        # CHACHA20's draft numbers have names of their own.
        if parts(name) is not None:
            yield name


def say(**event):
    with printing:
        print(json.dumps(event), flush=True)


def settings_of(command):
    settings = HandshakeSettings()
    settings.minVersion = divmod(command["lowest"], 256)
    settings.maxVersion = divmod(command["highest"], 256)
    # Its default leaves out SSL 3.0.
    settings.versions = [divmod(number, 256) for number in range(command["highest"], command["lowest"] - 1, -1)]
    if command["highest"] == 0x0304:
        settings.eccCurves = [curve for curve in settings.eccCurves if not curve.startswith("brainpoolP")]
    exchange, cipher, mac = parts(command["suite"]) if "suite" in command else (None, None, None)
    if exchange is None:
        settings.macNames = ["sha", "md5", "sha256", "sha384", "aead"]
        settings.cipherNames = [*settings.cipherNames, "rc4", "3des"]
        # It would take curves with SSL 3.0 as well, where a hello is of newer versions too.
        if command["highest"] == 0x0300:
            settings.keyExchangeNames = ["rsa", "dhe_rsa"]
    else:
        settings.cipherNames, settings.macNames = [cipher], [mac]
        settings.keyExchangeNames = [exchange]
    settings.useEncryptThenMAC = not command["plain"]
    # It would answer the extension in SSL 3.0 as well.
    settings.useExtendedMasterSecret = not command["plain"] and command["highest"] > 0x0300
    return settings


def credential(command):
    if "cert" not in command:
        return None, None
    with open(command["cert"]) as file:
        chain = X509CertChain()
        chain.parsePemList(file.read())
    with open(command["key"]) as file:
        return chain, parsePEMKey(file.read(), private=True)


def check(connection, command):
    suite = CipherSuite.ietfNames[connection.session.cipherSuite].replace("_ANON_", "_anon_")
    if suite != command.get("suite", suite):
        raise ValueError(f"{suite} was agreed on")
    version = connection.version
    if not command["lowest"] <= version[0] * 256 + version[1] <= command["highest"]:
        raise ValueError(f"{version} was agreed on")


def serve(command):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(WAIT_SECONDS)
    listeners[command["id"]] = listener
    say(id=command["id"], event="listening", port=listener.getsockname()[1])
    with listener:
        transport, _ = listener.accept()
    transport.settimeout(WAIT_SECONDS)
    # Before TLS 1.1 data goes in two records: the second is not to wait for an answer to the first.
    transport.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with transport:
        connection = TLSConnection(transport)
        if command["anonymous"]:
            connection.handshakeServer(anon=True, settings=settings_of(command))
        else:
            chain, key = credential(command)
            connection.handshakeServer(
                certChain=chain, privateKey=key, reqCert=command["askCertificate"], settings=settings_of(command)
            )
        check(connection, command)
        if command["askCertificate"] and connection.session.clientCertChain is None:
            raise ValueError("the client has no certificate")
        received = bytearray()
        # Our own close is to wait for nothing: the peer has ended.
        while True:
            chunk = connection.read(max=16384, min=1)
            if not chunk:
                break
            received += chunk
            *whole, received = received.split(b"\n")
            for line in whole:
                connection.write(bytes(line[::-1]) + b"\n")
        connection.close()


def connect(command):
    transport = socket.create_connection(("127.0.0.1", command["port"]), WAIT_SECONDS)
    transport.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with transport:
        connection = TLSConnection(transport)
        settings = settings_of(command)
        if command["anonymous"]:
            connection.handshakeClientAnonymous(settings=settings)
        else:
            chain, key = credential(command)
            connection.handshakeClientCert(certChain=chain, privateKey=key, settings=settings, serverName="localhost")
        check(connection, command)
        for line in command["lines"]:
            connection.write(line.encode() + b"\n")
            answer = connection.read(max=len(line) + 1, min=len(line) + 1)
            if bytes(answer) != line.encode()[::-1] + b"\n":
                raise ValueError(f"the answer was {bytes(answer[:60])}")
        connection.close()


def work(command):
    try:
        (serve if command["role"] == "server" else connect)(command)
        say(id=command["id"], event="done")
    except Exception as error:  # whatever it is goes into the report
        say(id=command["id"], event="done", error=f"{type(error).__name__}: {error}")


def main():
    if sys.argv[1:] == ["inspect"]:
        print(f"tlslite-ng {version('tlslite-ng')}", *sorted(set(suites())), sep="\n")
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
