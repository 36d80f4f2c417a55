"""Cameras, screens and prints at random, as widely as presentation attacks meet them.

Documents are shown on the same screens and prints, but before the narrower cameras of `cameras.draw_camera`:
they are photographed with more care than faces.
"""

import numpy as np

from idv.vision.synthesis.cameras import Camera
from idv.vision.synthesis.prints import PROCESSES, Print, Printer
from idv.vision.synthesis.screens import TRAINING_LAYOUTS, Layout, Screen
from idv.vision.synthesis.viewing import View

FACE_LAYOUTS = (*TRAINING_LAYOUTS, Layout.DIAMOND, Layout.CHEVRON, Layout.RANDOM)
"""Layouts that the training of PAD may draw from; of `RANDOM` every seed is another."""


def draw_face_camera(rng: np.random.Generator) -> Camera:
    """A camera setting from the range of phones and webcams, in light from fair to good."""
    dim = rng.random() ** 2
    warm = rng.normal(0, 0.07)
    shrunk = float(np.exp(rng.uniform(np.log(0.3), 0)))
    return Camera(
        exposure=float(rng.choice([rng.uniform(0.65, 1.1), rng.uniform(1.1, 1.6)], p=[0.8, 0.2])),
        white_balance=(1 + warm, 1 + float(rng.normal(0, 0.02)), 1 - warm),
        blur_px=float(rng.choice([0, rng.uniform(0.2, 0.6), rng.uniform(0.6, 1.2)], p=[0.45, 0.45, 0.1])),
        motion_px=float(rng.choice([0, rng.uniform(1, 3)], p=[0.9, 0.1])),
        motion_deg=float(rng.uniform(0, 180)),
        mosaic=bool(rng.integers(2)),
        shot_noise=0.003 + 0.03 * dim,
        read_noise=0.001 + 0.006 * dim,
        smoothing=float(rng.choice([0, rng.uniform(0.2, 0.8)], p=[0.7, 0.3])),
        sharpening=float(rng.choice([0, rng.uniform(0.2, 1.4)], p=[0.4, 0.6])),
        contrast=float(rng.uniform(0.85, 1.25)),
        saturation=float(rng.uniform(0.75, 1.25)),
        resize=float(rng.choice([1.0, shrunk, rng.uniform(1.0, 1.4)], p=[0.4, 0.5, 0.1])),
        careless=bool(rng.choice([False, True], p=[0.7, 0.3])),
        jpeg_quality=int(rng.integers(60, 99)),
        forwarded_quality=int(rng.choice([0, int(rng.integers(45, 96))], p=[0.75, 0.25])),
    )


def draw_face_screen(
    rng: np.random.Generator,
    *,
    layouts: tuple[Layout, ...],
    view: View,
    picture_px: int,
    pitch: tuple[float, float] = (0.3, 1.0),
) -> Screen:
    """A screen at random; `pitch`: range of its display px a camera px.

    Beyond 1 the lens and the pixel's own width take all contrast from the grid: such a display leaves no
    trace but its light, its reflections and its edges.
    """
    seen = float(np.exp(rng.uniform(*np.log(pitch))))
    tint = rng.normal(0, 0.1)
    return Screen(
        layout=layouts[int(rng.integers(len(layouts)))],
        layout_seed=int(rng.integers(1 << 30)),
        saturation=float(rng.choice([1.0, rng.uniform(0.7, 1.5)])),
        pixels_per_picture_px=seen / view.picture_px_per_camera_px,
        gamma=float(rng.uniform(1.8, 2.6)),
        white=(1 - tint, 1 + float(rng.normal(0, 0.03)), 1 + tint + 0.06),
        black=float(np.exp(rng.uniform(np.log(0.0005), np.log(0.02)))),
        ambient=float(rng.exponential(0.04)),
        glare=float(rng.choice([0, rng.uniform(0.05, 0.8)], p=[0.6, 0.4])),
        glare_at=(float(rng.random()), float(rng.random())),
        glare_size=float(rng.uniform(0.05, 0.5)),
        banding=float(rng.choice([0, rng.uniform(0.03, 0.3)], p=[0.7, 0.3])),
        band_period=float(rng.uniform(0.08, 0.8)),
        band_phase=float(rng.uniform(0, 2 * np.pi)),
        letterbox_px=float(rng.choice([0, rng.uniform(0, 0.3)])) * picture_px,
        falloff=float(rng.choice([0, rng.uniform(0, 0.7)])),
        falloff_deg=float(rng.uniform(0, 360)),
        letterbox=float(rng.choice([0, rng.uniform(0, 1)], p=[0.6, 0.4])),
        bezel_px=float(rng.uniform(0.02, 0.15)) * picture_px,
        bezel=float(rng.choice([rng.uniform(0.005, 0.06), rng.uniform(0.06, 0.8)], p=[0.75, 0.25])),
        behind=float(np.exp(rng.uniform(np.log(0.03), np.log(1.5)))),
        grid=int(rng.choice([6, 12, 32])),
        optics_px=float(rng.uniform(0.15, 0.4)),
    )


def draw_face_print(
    rng: np.random.Generator, *, printers: tuple[Printer, ...], view: View, picture_px: int
) -> Print:
    """A print at random; the halftone is drawn as the camera sees it: 0.2 to 1.5 cells a camera px."""
    printer = printers[int(rng.integers(len(printers)))]
    seen = float(np.exp(rng.uniform(np.log(0.2), np.log(1.5))))
    white = rng.uniform(0.75, 0.95)
    warm = rng.normal(0.01, 0.03)
    return Print(
        printer=printer,
        cells_per_picture_px=seen / view.picture_px_per_camera_px,
        paper=(white * (1 + warm), white, white * (1 - warm)),
        ink_black=float(rng.uniform(0.015, 0.12)),
        gamut=float(PROCESSES[printer].gamut * rng.choice([0.0, rng.uniform(0.6, 1.1)], p=[0.06, 0.94])),
        dot_gain=float(rng.uniform(0.9, 1.4)),
        grain=float(rng.uniform(0.0, 0.04)),
        sheen=float(rng.choice([0, rng.uniform(0.05, 0.8)], p=[0.5, 0.5])),
        sheen_at=(float(rng.random()), float(rng.random())),
        sheen_size=float(rng.uniform(0.1, 0.8)),
        shading=float(rng.uniform(0, 0.5)),
        shading_deg=float(rng.uniform(0, 360)),
        margin_px=float(rng.uniform(0, 0.15)) * picture_px,
        behind=float(np.exp(rng.uniform(np.log(0.1), np.log(2.0)))),
        grid=int(rng.choice([6, 12, 32])),
    )
