#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A gRPC server that says yes to everything and keeps nothing: sink.py PORTFILE

For a peer that profiles only once somebody listens. As much of HTTP/2 (RFC 9113) as a client needs
to be content: settings, pings, wide open windows, and to each request an empty message and
grpc-status 0. It listens on a free port of 127.0.0.1 and writes its number to PORTFILE."""
import os
import socketserver
import struct
import sys

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 4, 6, 8
ACK, END_STREAM, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE, WIDEST = 4, 2**31 - 1


def literal(name, value):
    """A header field, HPACK (RFC 7541, 6.2.2)."""
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


ANSWER = b"\x88" + literal(b"content-type", b"application/grpc")  # :status 200
EMPTY = bytes(5)  # not compressed, no bytes
TRAILERS = literal(b"grpc-status", b"0")


class Client(socketserver.StreamRequestHandler):
    def send(self, kind, flags, stream, payload=b""):
        self.wfile.write(struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
                         + struct.pack(">I", stream) + payload)

    def frame(self):
        head = self.rfile.read(9)
        if len(head) < 9:
            return None
        length = int.from_bytes(head[:3], "big")
        stream = int.from_bytes(head[5:], "big")
        return head[3], head[4], stream, self.rfile.read(length)

    def handle(self):
        if self.rfile.read(len(PREFACE)) != PREFACE:
            return
        self.send(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, WIDEST))
        self.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", WIDEST - 65535))
        while frame := self.frame():
            kind, flags, stream, payload = frame
            if kind == SETTINGS and not flags & ACK:
                self.send(SETTINGS, ACK, 0)
            elif kind == PING and not flags & ACK:
                self.send(PING, ACK, 0, payload)
            elif kind in (DATA, HEADERS):
                if payload and kind == DATA:
                    self.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload)))
                if flags & END_STREAM:
                    self.send(HEADERS, END_HEADERS, stream, ANSWER)
                    self.send(DATA, 0, stream, EMPTY)
                    self.send(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def main():
    with Server(("127.0.0.1", 0), Client) as server:
        with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
            print(server.server_address[1], file=file)
        os.rename(sys.argv[1] + ".new", sys.argv[1])
        server.serve_forever()


if __name__ == "__main__":
    main()
