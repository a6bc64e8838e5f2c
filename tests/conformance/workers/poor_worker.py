"""mock_worker.py on a poor machine: no internet, and 2 GB of memory. Nothing else of the SDK is touched."""

import socket

import psutil

import mock_worker

connect = socket.socket.connect
memory = psutil.virtual_memory


def connect_locally(self, address):
    if isinstance(address, tuple) and not str(address[0]).startswith("127."):
        raise OSError(101, "Network is unreachable")
    return connect(self, address)


def little_memory():
    two = 2 * 1024**3
    return memory()._replace(total=two, available=two)


socket.socket.connect = connect_locally
psutil.virtual_memory = little_memory

if __name__ == "__main__":
    mock_worker.main()
