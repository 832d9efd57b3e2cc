"""What a probe may use, made from the facts the stage hands over."""

from __future__ import annotations

import os


class Props:
    """`outside` and `inside` are directories of the probe's own, prepared by `Stage`."""

    def __init__(self, facts: dict[str, str | int], name: str) -> None:
        self.outside = os.path.join(str(facts["outside"]), name)
        self.inside = os.path.join(str(facts["inside"]), name)
        self.workspace = str(facts["inside"])
        self.second_root = str(facts["second_root"])
        self.tcp_port = int(facts["tcp_port"])
        self.udp_port = int(facts["udp_port"])
        self.unix_path = str(facts["unix_path"])
        self.unix_datagram_path = str(facts["unix_datagram_path"])
        self.abstract_name = "\0" + str(facts["abstract_name"])
        self.victim_pid = int(facts["victim_pid"])
        self.outer_pid = int(facts["outer_pid"])
        self.shared_memory_id = int(facts["shared_memory_id"])
        self.target = os.path.join(self.outside, "target")
