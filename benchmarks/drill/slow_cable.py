"""A long cable: every frame between two interfaces, both ways, so many milliseconds later. For kernels without netem.

`python -m benchmarks.drill.slow_cable to-n1 slow-n1 20`, in the network that has both.
"""
import select
import socket
import sys
import time
from collections import deque

EVERYTHING = 0x0003
SOL_PACKET, VNET_HDR = 263, 15  # frames with what the card was to do to them: checksums, cutting into pieces
OURS = 4  # a frame that we have just sent ourselves
FRAME_MAX = 70_000


def main(names: list[str], delay_s: float) -> None:
    ends = [_opened(name) for name in names]
    late = deque[tuple[float, socket.socket, bytes]]()
    while True:
        wait_s = max(0.0, late[0][0] - time.monotonic()) if late else None
        for end in select.select(ends, [], [], wait_s)[0]:
            frame, (_, _, kind, *_) = end.recvfrom(FRAME_MAX)
            if kind != OURS:
                late.append((time.monotonic() + delay_s, ends[1 - ends.index(end)], frame))
        while late and late[0][0] <= time.monotonic():
            _, end, frame = late.popleft()
            try:
                end.send(frame)
            except OSError:
                continue  # a full queue drops frames, as a cable's does


def _opened(name: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
    opened.setsockopt(SOL_PACKET, VNET_HDR, 1)
    opened.bind((name, EVERYTHING))
    return opened


if __name__ == "__main__":
    main(sys.argv[1:3], float(sys.argv[3]) / 1000)
