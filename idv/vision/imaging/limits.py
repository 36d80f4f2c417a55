"""What an upload may cost before it is refused."""

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class DecodeLimits:
    """Limits of one decoding.

    `max_bytes`: of the file. `max_pixels`: of the full-size image, 50 megapixels hold every phone camera's
    default mode. `min_side_px`, `max_side_px`: of the full-size image; OpenCV's warps end at 32,767.
    `wall_s`, `cpu_s`: time of one decoding; the CPU limit rounds up to whole seconds.
    `memory_bytes`: what decoding may allocate beyond the worker's own libraries and its shared area.
    """

    max_bytes: int = 20 * MEBIBYTE
    max_pixels: int = 50_000_000
    min_side_px: int = 16
    max_side_px: int = 32_767
    wall_s: float = 5.0
    cpu_s: float = 4.0
    memory_bytes: int = 1024 * MEBIBYTE
