"""A document on a flatbed scanner: a genuine capture without a scene, as files from offices are."""

import cv2
import numpy as np

from idv.domain.arrays import RgbImage
from idv.vision.synthesis.cameras import GAMMA, Camera, photograph
from idv.vision.synthesis.document_scenes import Shot
from idv.vision.synthesis.viewing import looked_up


def scanned(side: RgbImage, rng: np.random.Generator) -> Shot:
    """Scan `side` (H, W, 3) uint8 RGB: a bed around it, a little turn, the scanner's blur, noise and tone."""
    width = int(rng.integers(700, 1600))
    scale = width / side.shape[1]
    height = round(side.shape[0] * scale)
    margin = round(float(rng.uniform(0.02, 0.12)) * width)
    size = (width + 2 * margin, height + 2 * margin)
    turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), float(rng.normal(0, 1)), 1.0)
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) + margin
    corners = (np.hstack([frame, np.ones((4, 1))]) @ turn.T).astype(np.float32)
    tall, wide = side.shape[:2]
    source = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32) - np.float32(0.5)
    curve = np.linspace(0, 1, 256)[:, None] ** GAMMA
    light = looked_up(side, curve)
    if scale < 1:  # without this low-pass the warp would alias
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), 0.40 / scale), np.float32)
    bed = float(rng.choice([rng.uniform(0.7, 1.0), rng.uniform(0.02, 0.5)], p=[0.8, 0.2]))
    laid = cv2.warpPerspective(
        light,
        cv2.getPerspectiveTransform(source, corners),
        size,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(bed, bed, bed),
    )
    pixels = photograph(np.clip(laid, 0, None).astype(np.float32), _scanner(rng), rng)
    zoom = pixels.shape[1] / size[0]
    return Shot(pixels, np.asarray(corners * zoom, np.float32))


def _scanner(rng: np.random.Generator) -> Camera:
    return Camera(
        exposure=float(rng.uniform(0.85, 1.05)),
        white_balance=(1 + float(rng.normal(0, 0.02)), 1.0, 1 + float(rng.normal(0, 0.02))),
        blur_px=float(rng.uniform(0.2, 0.9)),
        shot_noise=float(rng.uniform(0.001, 0.01)),
        read_noise=float(rng.uniform(0.0005, 0.003)),
        sharpening=float(rng.choice([0, rng.uniform(0.2, 1.2)])),
        contrast=float(rng.uniform(0.85, 1.2)),
        saturation=float(rng.uniform(0.85, 1.15)),
        resize=float(rng.choice([1.0, rng.uniform(0.6, 1.0)])),
        jpeg_quality=int(rng.integers(70, 98)),
    )
