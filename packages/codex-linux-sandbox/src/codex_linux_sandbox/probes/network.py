"""Probes of sockets that reach another process or another machine."""

from __future__ import annotations

import errno
import os
import socket
import subprocess

from .calls import by_machine, reaches_kernel, syscall
from .catalog import ALWAYS, NEVER, WITH_NETWORK, Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .props import Props

CATALOG = Catalog("network and sockets")

_LOOPBACK = "127.0.0.1"
_IO_URING_SETUP, _IO_URING_ENTER, _IO_URING_REGISTER = 425, 426, 427


@CATALOG.probe(WITH_NETWORK)
def tcp_connect(props: Props) -> None:
    """connect by TCP."""
    with socket.socket() as endpoint:
        endpoint.connect((_LOOPBACK, props.tcp_port))


@CATALOG.probe(WITH_NETWORK)
def tcp_connect_without_waiting(props: Props) -> None:
    """connect by TCP on a non-blocking socket."""
    with socket.socket() as endpoint:
        endpoint.setblocking(False)
        code = endpoint.connect_ex((_LOOPBACK, props.tcp_port))
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, "connect")


@CATALOG.probe(WITH_NETWORK)
def tcp_fast_open(props: Props) -> None:
    """connect by TCP with data in the first packet."""
    with socket.socket() as endpoint:
        endpoint.sendto(b"x", socket.MSG_FASTOPEN, (_LOOPBACK, props.tcp_port))


@CATALOG.probe(WITH_NETWORK)
def tcp_from_shell(props: Props) -> None:
    """connect by TCP from a shell."""
    script = f"exec 3<>/dev/tcp/{_LOOPBACK}/{props.tcp_port}"
    if subprocess.run(["bash", "-c", script], stderr=subprocess.DEVNULL, check=False).returncode:
        raise PermissionError(errno.EPERM, "bash")


@CATALOG.probe(WITH_NETWORK)
def tcp_listen(_props: Props) -> None:
    """listen on a TCP port."""
    with socket.socket() as endpoint:
        endpoint.bind((_LOOPBACK, 0))
        endpoint.listen()


@CATALOG.probe(WITH_NETWORK)
def tcp_socket_version_6(_props: Props) -> None:
    """make an IPv6 socket."""
    socket.socket(socket.AF_INET6).close()


@CATALOG.probe(WITH_NETWORK)
def udp_sendto(props: Props) -> None:
    """send a UDP packet."""
    with socket.socket(type=socket.SOCK_DGRAM) as endpoint:
        endpoint.sendto(b"x", (_LOOPBACK, props.udp_port))


@CATALOG.probe(WITH_NETWORK)
def udp_sendmsg(props: Props) -> None:
    """send a UDP packet by sendmsg."""
    with socket.socket(type=socket.SOCK_DGRAM) as endpoint:
        endpoint.sendmsg([b"x"], [], 0, (_LOOPBACK, props.udp_port))


@CATALOG.probe(WITH_NETWORK)
def udp_bind(_props: Props) -> None:
    """receive UDP packets."""
    with socket.socket(type=socket.SOCK_DGRAM) as endpoint:
        endpoint.bind((_LOOPBACK, 0))


@CATALOG.probe(WITH_NETWORK, root_only=True)
def raw_icmp_socket(_props: Props) -> None:
    """make a raw ICMP socket."""
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


@CATALOG.probe(WITH_NETWORK, root_only=True)
def packet_socket(_props: Props) -> None:
    """make a packet socket."""
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()


@CATALOG.probe(WITH_NETWORK)
def netlink_socket(_props: Props) -> None:
    """make a netlink socket."""
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()


@CATALOG.probe(WITH_NETWORK)
def vsock_socket(_props: Props) -> None:
    """make a socket to the hypervisor."""
    socket.socket(socket.AF_VSOCK).close()


@CATALOG.probe(WITH_NETWORK)
def crypto_socket(_props: Props) -> None:
    """make a kernel crypto socket."""
    socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).close()


@CATALOG.probe(WITH_NETWORK)
def socket_with_high_bits(_props: Props) -> None:
    """make an IPv4 socket with bits set that the kernel ignores."""
    os.close(syscall(by_machine(41, 198), (1 << 32) | socket.AF_INET, socket.SOCK_STREAM, 0))


@CATALOG.probe(WITH_NETWORK)
def unix_connect(props: Props) -> None:
    """connect to a unix socket by its path."""
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.connect(props.unix_path)


@CATALOG.probe(WITH_NETWORK)
def unix_connect_abstract(props: Props) -> None:
    """connect to a unix socket by its abstract name."""
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.connect(props.abstract_name)


@CATALOG.probe(WITH_NETWORK)
def unix_datagram_sendto(props: Props) -> None:
    """send a datagram to a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as endpoint:
        endpoint.sendto(b"x", props.unix_datagram_path)


@CATALOG.probe(WITH_NETWORK)
def unix_datagram_sendmsg(props: Props) -> None:
    """send a datagram to a unix socket by sendmsg."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as endpoint:
        endpoint.sendmsg([b"x"], [], 0, props.unix_datagram_path)


@CATALOG.probe(WITH_NETWORK)
def unix_datagram_from_pair(props: Props) -> None:
    """send a datagram to a unix socket from one end of a socket pair."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with one, other:
        one.sendmsg([b"x"], [], 0, props.unix_datagram_path)


@CATALOG.probe(WITH_NETWORK)
def unix_raw_from_pair(props: Props) -> None:
    """send a datagram to a unix socket from a socket pair that calls itself raw."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)
    with one, other:
        one.sendmsg([b"x"], [], 0, props.unix_datagram_path)


@CATALOG.probe(WITH_NETWORK, furnished=True)
def unix_bind_inside(props: Props) -> None:
    """listen on a unix socket in the workspace."""
    os.chdir(props.inside)
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("new")
        endpoint.listen()


@CATALOG.probe(WITH_NETWORK)
def unix_bind_abstract(props: Props) -> None:
    """listen on a unix socket with an abstract name."""
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind(f"{props.abstract_name}-other")
        endpoint.listen()


@CATALOG.probe(NEVER)
def io_uring_setup(_props: Props) -> None:
    """set up an io_uring."""
    os.close(syscall(_IO_URING_SETUP, 1, bytes(120)))


@CATALOG.probe(NEVER)
def io_uring_enter(_props: Props) -> None:
    """enter an io_uring."""
    reaches_kernel(_IO_URING_ENTER, -1, 0, 0, 0, 0, 0)


@CATALOG.probe(NEVER)
def io_uring_register(_props: Props) -> None:
    """register buffers with an io_uring."""
    reaches_kernel(_IO_URING_REGISTER, -1, 0, 0, 0)


@CATALOG.probe(ALWAYS)
def pair_read_write(_props: Props) -> None:
    """read and write on a socket pair."""
    one, other = socket.socketpair()
    with one, other:
        os.write(one.fileno(), b"x")
        if os.read(other.fileno(), 1) != b"x":
            raise RuntimeError("nothing arrived")


@CATALOG.probe(ALWAYS)
def pair_send_receive(_props: Props) -> None:
    """send and receive on a socket pair."""
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
        one.shutdown(socket.SHUT_WR)
        if other.recv(2) != b"x" or other.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) != socket.SOCK_STREAM:
            raise RuntimeError("nothing arrived")


@CATALOG.probe(ALWAYS)
def pair_of_packets(_props: Props) -> None:
    """send and receive packets on a socket pair."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other:
        one.send(b"x")
        if other.recv(2) != b"x":
            raise RuntimeError("nothing arrived")


@CATALOG.probe(ALWAYS)
def pass_descriptor(_props: Props) -> None:
    """pass a descriptor over a socket pair."""
    one, other = socket.socketpair()
    with one, other:
        socket.send_fds(one, [b"x"], [1])
        _, descriptors, _, _ = socket.recv_fds(other, 1, 1)
        os.close(descriptors[0])
