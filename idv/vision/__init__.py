"""Everything on pixels: imaging below models below perception and synthesis."""

import cv2

# OpenCV spreads every resize over all cores and its threads wait for each other: 45 of the 700 ms of CPU that
# one verification took. Throughput comes from requests side by side.
cv2.setNumThreads(1)
