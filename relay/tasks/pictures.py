"""Pictures and shapes as vendors want them."""

from __future__ import annotations

from relay.tasks.vendor import Wish

SHAPES = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")


def bare(image: str) -> str:
    """A picture's URL, or its base64 without the head of a ``data:`` URL."""
    return image.partition(",")[2] if image.startswith("data:") else image


def ratio(wish: Wish, shapes: tuple[str, ...] = SHAPES) -> str:
    """The shape that was asked for, else the nearest one to width and height; empty where there is neither."""
    if wish.ratio or not (wish.width and wish.height):
        return wish.ratio
    wanted = wish.width / wish.height

    def off(shape: str) -> float:
        across, down = shape.split(":")
        return abs(int(across) / int(down) - wanted)

    return min(shapes, key=off)


def resolution(wish: Wish) -> str:
    """``720p`` and the like: as asked for, else by the shorter side."""
    if wish.resolution or not (wish.width and wish.height):
        return wish.resolution
    return f"{min((360, 480, 540, 720, 1080), key=lambda lines: abs(lines - min(wish.width, wish.height)))}p"
